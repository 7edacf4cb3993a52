"""What CloudFormation would make of the template: parameters checked, rules obeyed, SAM's transform, conditions and
functions resolved. Other resources' values, known to AWS alone, are written as `<Resource.Attribute>`."""

import functools
import json
import os
import pathlib
import re

import yaml
from samtranslator.translator.transform import transform

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEMPLATE = (ROOT / "template.yaml").read_text()

PSEUDO_PARAMETERS = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackName": "bridge",
    "AWS::URLSuffix": "amazonaws.com",
}
NO_VALUE = object()


class Refused(Exception):
    """CloudFormation would refuse the parameters, by this rule if it was one."""

    def __init__(self, message, rule=None):
        super().__init__(message)
        self.rule = rule


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms."""


def short_form(loader, suffix, node):
    construct = {
        yaml.ScalarNode: loader.construct_scalar,
        yaml.SequenceNode: lambda n: loader.construct_sequence(n, deep=True),
        yaml.MappingNode: lambda n: loader.construct_mapping(n, deep=True),
    }[type(node)]
    value = construct(node)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


Loader.add_multi_constructor("!", short_form)


@functools.cache
def as_json(text):
    return json.dumps(yaml.load(text, Loader))


def parse(text=TEMPLATE):
    """The template as SAM writes it out: what is shared in the text is written out at each place."""
    return json.loads(as_json(text))


def check_parameters(template, given):
    """The parameters' values, defaults included."""
    declared = template["Parameters"]
    if unknown := given.keys() - declared.keys():
        raise Refused(f"no such parameter: {unknown}")
    values = {}
    for name, parameter in declared.items():
        if name not in given and "Default" not in parameter:
            raise Refused(f"{name} has no default and must be given")
        value = str(given.get(name, parameter.get("Default")))
        allowed = parameter.get("AllowedValues")
        if allowed is not None and value not in map(str, allowed):
            raise Refused(f"{name} must be one of {allowed}")
        if not re.search(parameter.get("AllowedPattern", ""), value):
            raise Refused(f"{name} {parameter['ConstraintDescription']}")
        values[name] = value
    return values


class Stack:
    """The stack that these parameters make."""

    def __init__(self, text=TEMPLATE, **given):
        self.template = parse(text)
        self.parameters = check_parameters(self.template, given)
        self.conditions = {}
        self.check_rules()
        self.transformed = self.transform()
        self.conditions = self.transformed["Conditions"]
        self.resources = {
            name: {key: self.resolve(value) for key, value in resource.items()}
            for name, resource in self.transformed["Resources"].items()
            if self.has(resource)
        }
        outputs = self.transformed["Outputs"].items()
        self.outputs = {name: self.resolve(output["Value"]) for name, output in outputs if self.has(output)}

    def check_rules(self):
        for name, rule in self.template.get("Rules", {}).items():
            if not self.resolve(rule.get("RuleCondition", True)):
                continue
            for assertion in rule["Assertions"]:
                if not self.resolve(assertion["Assert"]):
                    raise Refused(assertion["AssertDescription"], name)

    def transform(self):
        os.environ["AWS_DEFAULT_REGION"] = PSEUDO_PARAMETERS["AWS::Region"]
        template = json.loads(json.dumps(self.template))
        # As after `sam package`.
        if "Globals" in template:
            template["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"

        class ManagedPolicies:
            def load(self):
                return {}

        return transform(template, dict(self.parameters), ManagedPolicies())

    def has(self, item):
        return "Condition" not in item or self.condition(item["Condition"])

    def condition(self, name):
        return self.resolve(self.conditions[name])

    def resolve(self, value):
        """The value without functions."""
        if isinstance(value, list):
            items = [self.resolve(item) for item in value]
            return [item for item in items if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(name, argument)] = value.items()
            if name in ("Ref", "Condition") or name.startswith("Fn::"):
                return self.call(name, argument)
        items = {key: self.resolve(item) for key, item in value.items()}
        return {key: item for key, item in items.items() if item is not NO_VALUE}

    def call(self, name, argument):
        if name == "Fn::If":
            condition, yes, no = argument
            return self.resolve(yes if self.condition(condition) else no)
        if name == "Condition":
            return self.condition(argument) if isinstance(argument, str) else {name: self.resolve(argument)}
        if name == "Fn::Sub":
            text, values = argument if isinstance(argument, list) else (argument, {})
            values = {key: self.resolve(item) for key, item in values.items()}
            return re.sub(r"\$\{([^}!]+)\}", lambda match: str(self.named(match[1], values)), text)
        argument = self.resolve(argument)
        match name:
            case "Ref":
                return self.named(argument, {})
            case "Fn::GetAtt":
                return self.named(".".join(argument), {})
            case "Fn::Equals":
                return str(argument[0]) == str(argument[1])
            case "Fn::Not":
                return not argument[0]
            case "Fn::And":
                return all(argument)
            case "Fn::Or":
                return any(argument)
            case "Fn::Join":
                return argument[0].join(argument[1])
            case "Fn::Select":
                return argument[1][int(argument[0])]
            case "Fn::Split":
                return argument[1].split(argument[0])
        raise NotImplementedError(name)

    def named(self, name, values):
        if name == "AWS::NoValue":
            return NO_VALUE
        for known in (values, self.parameters, PSEUDO_PARAMETERS):
            if name in known:
                return known[name]
        resources = self.transformed["Resources"]
        resource = resources[name.split(".")[0]]
        assert self.has(resource), f"{name} is used where it is not there"
        return f"<{name}>"

    def of_type(self, kind):
        return {name: item["Properties"] for name, item in self.resources.items() if item["Type"] == kind}

    def properties(self, name):
        return self.resources[name]["Properties"]

    @property
    def body(self):
        """The API as OpenAPI."""
        return self.properties("BridgeApi")["Body"]

    def operations(self):
        """Every method of the API: (path, method, operation)."""
        for path, methods in self.body["paths"].items():
            for method, operation in methods.items():
                yield path, method, operation
