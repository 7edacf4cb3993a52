"""The Terraform module, written out of the template: `python tests/template/terraform.py` writes its files anew."""

import json
import pathlib
import re

from cloudformation import ROOT, parse

MODULE = ROOT / "deploy/terraform"
HEAD = "# Written by tests/template/terraform.py out of template.yaml. Change that.\n"


def snake(name):
    """Terraform's form of a name: `JwtIssuer` is `jwt_issuer`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def described(text):
    # `${` begins an expression.
    return json.dumps(text.replace("${", "$${"), ensure_ascii=False)


def variables():
    text = HEAD
    for name, parameter in parse()["Parameters"].items():
        kind = "number" if parameter["Type"] == "Number" else "string"
        lines = [f"  description = {described(parameter['Description'])}", f"  type        = {kind}"]
        # With null a parameter has the template's default.
        if "Default" in parameter:
            lines.append("  default     = null")
        if parameter.get("NoEcho"):
            lines.append("  sensitive   = true")
        text += f'\nvariable "{snake(name)}" {{\n' + "\n".join(lines) + "\n}\n"
    return text


def parameters():
    names = list(parse()["Parameters"])
    width = max(map(len, names))
    rows = "".join(f"    {name:<{width}} = var.{snake(name)}\n" for name in names)
    return f"{HEAD}\nlocals {{\n  parameters = {{\n{rows}  }}\n}}\n"


def outputs():
    text = HEAD
    for name, output in parse()["Outputs"].items():
        value = f'lookup(aws_cloudformation_stack.bridge.outputs, "{name}", null)'
        text += f'\noutput "{snake(name)}" {{\n  description = {described(output["Description"])}\n  value       = {value}\n}}\n'
    return text


FILES = {"variables.tf": variables, "parameters.tf": parameters, "outputs.tf": outputs}

if __name__ == "__main__":
    for file, write in FILES.items():
        (MODULE / file).write_text(write())
