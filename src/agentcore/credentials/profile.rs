//! What the selected profile of the AWS configuration leads to, as far as the chain does not serve
//! for it: a credential process, or a sign-in that this build may not have.

use std::fmt::Write as _;

use aws_config::profile::{Profile, ProfileSet};

/// Where a profile's credentials come from in the end, and which roles are assumed with them.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) base: Base,
    /// The first to be assumed is the last.
    roles: Vec<Role>,
}

/// Where credentials come from.
#[derive(Debug)]
pub(super) enum Base {
    /// A program that prints them.
    Process(super::process::CredentialProcess),
    /// `aws sso login`, or `aws login`.
    SignIn,
    /// Something that the chain does well.
    Other,
}

/// A role, as the chain wants it to be written.
#[derive(Debug)]
struct Role {
    arn: String,
    external_id: Option<String>,
    session_name: Option<String>,
}

/// The source of the profile that the environment selects; `None` where there is no such profile,
/// or none that can be read, which is the chain's to say.
#[expect(
    clippy::default_trait_access,
    reason = "the real files and environment, whose types no crate of ours names"
)]
pub(super) async fn selected() -> Option<Source> {
    let (fs, env, files) = (Default::default(), Default::default(), Default::default());
    let profiles = aws_config::profile::load(&fs, &env, &files, None)
        .await
        .ok()?;
    source(&profiles)
}

/// Goes from a profile to the one that it names as its source, as the chain does.
fn source(profiles: &ProfileSet) -> Option<Source> {
    let mut roles = Vec::new();
    let mut name = profiles.selected_profile();
    let mut visited = Vec::new();
    loop {
        if visited.contains(&name) {
            return None;
        }
        let profile = profiles.get_profile(name)?;
        // Keys come first in a profile that is another's source, and last in one that is selected.
        let has_keys = profile.get("aws_access_key_id").is_some();
        if has_keys && !visited.is_empty() {
            let base = Base::Other;
            return Some(Source { base, roles });
        }
        visited.push(name);
        let assumed = Role::of(profile);
        let next = profile.get("source_profile").filter(|_| assumed.is_some());
        roles.extend(assumed);
        match next {
            Some(next) if next != name => name = next,
            _ => {
                let base = Base::of(profile);
                return Some(Source { base, roles });
            }
        }
    }
}

impl Source {
    /// The roles as a configuration of profiles in which the first is assumed with what the named
    /// source gives; `None` where there is none to assume.
    pub(super) fn profiles_of_roles(&self, credential_source: &str) -> Option<String> {
        let (first, later) = self.roles.split_last()?;
        let mut text = String::new();
        for (at, role) in later.iter().enumerate() {
            role.write(
                &mut text,
                at,
                &format!("source_profile = {}", profile_name(at + 1)),
            );
        }
        let source = format!("credential_source = {credential_source}");
        first.write(&mut text, later.len(), &source);
        Some(text)
    }
}

/// The name of the profile of a role, of which the first is the one that is asked for.
pub(super) fn profile_name(at: usize) -> String {
    format!("role-{at}")
}

impl Base {
    fn of(profile: &Profile) -> Self {
        let has = |name| profile.get(name).is_some();
        if has("credential_source") || has("web_identity_token_file") {
            Self::Other
        } else if (has("sso_account_id") && has("sso_role_name")) || has("login_session") {
            Self::SignIn
        } else if let Some(command) = profile.get("credential_process") {
            Self::Process(super::process::CredentialProcess::new(command))
        } else {
            Self::Other
        }
    }
}

impl Role {
    fn of(profile: &Profile) -> Option<Self> {
        if profile.get("web_identity_token_file").is_some() {
            return None;
        }
        let property = |name| profile.get(name).map(str::to_owned);
        Some(Self {
            arn: property("role_arn")?,
            external_id: property("external_id"),
            session_name: property("role_session_name"),
        })
    }

    fn write(&self, text: &mut String, at: usize, source: &str) {
        let (name, arn) = (profile_name(at), &self.arn);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "[profile {name}]\nrole_arn = {arn}\n{source}");
        if let Some(id) = &self.external_id {
            let _ = writeln!(text, "external_id = {id}");
        }
        if let Some(name) = &self.session_name {
            let _ = writeln!(text, "role_session_name = {name}");
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};

    use super::*;

    /// Where a configuration leads in which `me` is selected.
    #[expect(clippy::default_trait_access, reason = "as above")]
    async fn source_of(text: &str) -> Option<Source> {
        let files = EnvConfigFiles::builder().with_contents(EnvConfigFileKind::Config, text);
        let files = files.build();
        let (fs, env) = (Default::default(), Default::default());
        let loaded = aws_config::profile::load(&fs, &env, &files, Some("me".into()));
        source(&loaded.await.unwrap())
    }

    #[tokio::test]
    async fn a_profile_leads_to_its_source() {
        for (properties, expected) in [
            ("", "Process"),
            ("sso_account_id = 1\nsso_role_name = x", "SignIn"),
            ("login_session = arn", "SignIn"),
            ("sso_session = for-tokens-alone", "Process"),
            ("credential_source = Environment", "Other"),
            ("role_arn = r\nweb_identity_token_file = f", "Other"),
            (
                "aws_access_key_id = k\naws_secret_access_key = s",
                "Process",
            ),
        ] {
            let text = format!("[profile me]\ncredential_process = program\n{properties}\n");
            let source = source_of(&text).await.unwrap();
            let base = format!("{:?}", source.base);
            assert!(base.starts_with(expected), "{properties}: {base}");
            assert_eq!(source.profiles_of_roles("x"), None);
        }
        let source = source_of("[profile me]\nregion = x\n").await.unwrap();
        assert!(matches!(source.base, Base::Other));
    }

    #[tokio::test]
    async fn roles_are_assumed_from_the_source_on() {
        let text = "\
            [profile me]\nrole_arn = second\nsource_profile = other\nexternal_id = e\n\
            [profile other]\nrole_arn = first\nsource_profile = base\nrole_session_name = n\n\
            [profile base]\ncredential_process = program\n";
        let source = source_of(text).await.unwrap();
        assert!(matches!(source.base, Base::Process(_)));
        let expected = "[profile role-0]\nrole_arn = second\nsource_profile = role-1\n\
            external_id = e\n[profile role-1]\nrole_arn = first\ncredential_source = Ours\n\
            role_session_name = n\n";
        let roles = source.profiles_of_roles("Ours");
        assert_eq!(roles.as_deref(), Some(expected));
    }

    #[tokio::test]
    async fn a_profile_may_be_its_own_source_and_circles_lead_nowhere() {
        let own = "[profile me]\nrole_arn = r\nsource_profile = me\ncredential_process = p\n";
        let own = source_of(own).await.unwrap();
        assert!(matches!(own.base, Base::Process(_)));
        assert!(own.profiles_of_roles("x").is_some());
        let circle = "[profile me]\nrole_arn = r\nsource_profile = other\n\
            [profile other]\nrole_arn = r\nsource_profile = me\n";
        assert!(source_of(circle).await.is_none());
        assert!(source_of("[profile you]\nregion = x\n").await.is_none());
        let keys = "[profile me]\nrole_arn = r\nsource_profile = other\n\
            [profile other]\naws_access_key_id = k\ncredential_process = p\n";
        assert!(matches!(source_of(keys).await.unwrap().base, Base::Other));
    }
}
