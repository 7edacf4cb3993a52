"""The Terraform module passes on all parameters and outputs of the template, and no others."""

import hcl2
import pytest

import terraform
from cloudformation import parse


def read(file):
    with open(terraform.MODULE / file) as text:
        return hcl2.load(text)


def plain(name):
    """A name without the quotes that the parser leaves."""
    return name.strip('"')


def blocks(kind, *files):
    found = (block for file in files for block in read(file).get(kind, []))
    return {plain(name): body for block in found for name, body in block.items() if not name.startswith("__")}


@pytest.mark.parametrize("file", terraform.FILES)
def test_what_is_written_out_of_the_template_is_up_to_date(file):
    assert (terraform.MODULE / file).read_text() == terraform.FILES[file](), "python tests/template/terraform.py"


def test_every_parameter_is_a_variable_and_every_output_an_output():
    template = parse()
    own = {"stack_name", "template_url", "execution_role_arn", "tags"}
    variables = blocks("variable", "main.tf", "variables.tf")
    assert variables.keys() == own | {terraform.snake(name) for name in template["Parameters"]}
    assert blocks("output", "outputs.tf").keys() == {terraform.snake(name) for name in template["Outputs"]}
    [local] = read("parameters.tf")["locals"]
    passed = {plain(name): value for name, value in local["parameters"].items() if not name.startswith("__")}
    assert passed.keys() == template["Parameters"].keys()
    for name, value in passed.items():
        assert value.strip("${}") == f"var.{terraform.snake(name)}"


def test_what_the_template_needs_the_module_needs_and_what_it_hides_is_hidden():
    template, variables = parse()["Parameters"], blocks("variable", "variables.tf")
    for name, parameter in template.items():
        variable = variables[terraform.snake(name)]
        assert ("default" in variable) == ("Default" in parameter), name
        assert bool(variable.get("sensitive")) == bool(parameter.get("NoEcho")), name
        assert plain(variable["type"]).strip("${}") == ("number" if parameter["Type"] == "Number" else "string"), name
