# Written by tests/template/terraform.py out of template.yaml. Change that.

output "release" {
  description = "What was deployed last; the way back takes an earlier one"
  value       = lookup(aws_cloudformation_stack.bridge.outputs, "Release", null)
}

output "api_url" {
  description = "In front of /api/agents/invoke and the other routes"
  value       = lookup(aws_cloudformation_stack.bridge.outputs, "ApiUrl", null)
}

output "commit" {
  description = "What was built for it"
  value       = lookup(aws_cloudformation_stack.bridge.outputs, "Commit", null)
}

output "domain_url" {
  description = "The same at your own domain"
  value       = lookup(aws_cloudformation_stack.bridge.outputs, "DomainUrl", null)
}

output "domain_target" {
  description = "What your domain's CNAME names, where HostedZoneId is not given"
  value       = lookup(aws_cloudformation_stack.bridge.outputs, "DomainTarget", null)
}

output "auth_mode" {
  description = "How callers say who they are"
  value       = lookup(aws_cloudformation_stack.bridge.outputs, "AuthMode", null)
}

output "function_url" {
  description = "The same routes at the function's own address"
  value       = lookup(aws_cloudformation_stack.bridge.outputs, "FunctionUrl", null)
}

output "api_key_id" {
  description = "Its value: aws apigateway get-api-key --include-value --query value --output text --api-key <this>"
  value       = lookup(aws_cloudformation_stack.bridge.outputs, "ApiKeyId", null)
}

output "bridge_function" {
  description = "The function that answers whole"
  value       = lookup(aws_cloudformation_stack.bridge.outputs, "BridgeFunction", null)
}

output "stream_function" {
  description = "The function that streams"
  value       = lookup(aws_cloudformation_stack.bridge.outputs, "StreamFunction", null)
}

output "logs" {
  description = "The log group of both"
  value       = lookup(aws_cloudformation_stack.bridge.outputs, "Logs", null)
}

output "dashboard_url" {
  description = "Numbers and alarms"
  value       = lookup(aws_cloudformation_stack.bridge.outputs, "DashboardUrl", null)
}
