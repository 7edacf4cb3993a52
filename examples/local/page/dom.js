// Elements. All text goes in as text: nothing that an agent sends becomes markup.

/** An element with properties, `data-…` and `aria-…` attributes and children, which are nodes or texts. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes('-') || name === 'role') made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.filter(child => child !== null && child !== undefined));
  return made;
}

/** Milliseconds as people read them. */
export function time(ms) {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return `${(ms / 1_000).toFixed(2)} s`;
}

/** A button that copies a text, and says that it has. */
export function copyButton(what, text) {
  const button = element('button', { type: 'button', textContent: 'Copy', 'aria-label': `Copy ${what}` });
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = 'Copied';
    } catch {
      button.textContent = 'Not allowed';
    }
  });
  return button;
}
