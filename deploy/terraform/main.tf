terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "stack_name" {
  description = "The stack's name"
  type        = string
  default     = "agentcore-bridge"
}

variable "template_url" {
  description = "Where the packaged template is, an https address of S3"
  type        = string
}

variable "execution_role_arn" {
  description = "The role by which CloudFormation makes the resources; null takes Terraform's own credentials"
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of the stack, which CloudFormation hands on"
  type        = map(string)
  default     = {}
}

resource "aws_cloudformation_stack" "bridge" {
  name         = var.stack_name
  template_url = var.template_url
  iam_role_arn = var.execution_role_arn
  # The second one lets CloudFormation transform the template.
  capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
  # What is null is left out, and then has the template's default.
  parameters = { for name, value in local.parameters : name => tostring(value) if value != null }
  tags       = var.tags

  timeouts {
    # Both functions move their callers step by step.
    create = "60m"
    update = "120m"
  }
}
