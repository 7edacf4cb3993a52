# Written by tests/template/terraform.py out of template.yaml. Change that.

variable "onboarding_agent_arn" {
  description = "ARN of the AgentCore runtime, arn:aws:bedrock-agentcore:<region>:<account>:runtime/<id>, or nothing"
  type        = string
  default     = null
}

variable "provisioning_agent_arn" {
  description = "ARN of the AgentCore runtime, arn:aws:bedrock-agentcore:<region>:<account>:runtime/<id>, or nothing"
  type        = string
  default     = null
}

variable "mwc_agent_arn" {
  description = "ARN of the AgentCore runtime, arn:aws:bedrock-agentcore:<region>:<account>:runtime/<id>, or nothing"
  type        = string
  default     = null
}

variable "former_agent_arn" {
  description = "ARN of the AgentCore runtime, arn:aws:bedrock-agentcore:<region>:<account>:runtime/<id>, or nothing"
  type        = string
  default     = null
}

variable "onboarding_agent_qualifier" {
  description = "Endpoint of that runtime; nothing is its DEFAULT"
  type        = string
  default     = null
}

variable "provisioning_agent_qualifier" {
  description = "Endpoint of that runtime; nothing is its DEFAULT"
  type        = string
  default     = null
}

variable "mwc_agent_qualifier" {
  description = "Endpoint of that runtime; nothing is its DEFAULT"
  type        = string
  default     = null
}

variable "onboarding_agent_user_id" {
  description = "caller tells that runtime who calls, by an id without a name in it; nothing does not"
  type        = string
  default     = null
}

variable "provisioning_agent_user_id" {
  description = "caller tells that runtime who calls, by an id without a name in it; nothing does not"
  type        = string
  default     = null
}

variable "mwc_agent_user_id" {
  description = "caller tells that runtime who calls, by an id without a name in it; nothing does not"
  type        = string
  default     = null
}

variable "onboarding_agent_connections" {
  description = "presigned lets callers have a signed address of their own to that runtime, past this API's limits"
  type        = string
  default     = null
}

variable "provisioning_agent_connections" {
  description = "presigned lets callers have a signed address of their own to that runtime, past this API's limits"
  type        = string
  default     = null
}

variable "mwc_agent_connections" {
  description = "presigned lets callers have a signed address of their own to that runtime, past this API's limits"
  type        = string
  default     = null
}

variable "expose_steps" {
  description = "What callers see of how an agent came to its words; nothing is nothing"
  type        = string
  default     = null
}

variable "trace_agents" {
  description = "Whether agents trace what X-Ray samples, or every invocation; always costs the agents' spans of all"
  type        = string
  default     = null
}

variable "auth_mode" {
  description = "How callers say who they are. There is no default, so that no deployment is open by accident"
  type        = string
}

variable "user_pool_arn" {
  description = "With COGNITO, the user pool"
  type        = string
  default     = null
}

variable "jwt_issuer" {
  description = "With JWT, the tokens' iss, to the letter"
  type        = string
  default     = null
}

variable "jwt_audience" {
  description = "With JWT, what the tokens' aud must be; several separated by commas"
  type        = string
  default     = null
}

variable "cors_allowed_origins" {
  description = "Origins that browsers may call from, separated by commas, or *; nothing is none"
  type        = string
  default     = null
}

variable "function_url" {
  description = "An address of the function itself beside the API, signed (AWS_IAM) or for everybody (NONE)"
  type        = string
  default     = null
}

variable "open_health" {
  description = "Whether GET and HEAD of /health need no authentication, for uptime monitors"
  type        = string
  default     = null
}

variable "web_acl_arn" {
  description = "A regional web ACL of AWS WAF in front of the API, or nothing"
  type        = string
  default     = null
}

variable "vpc_endpoint_ids" {
  description = "Makes the API private, for these interface endpoints of execute-api alone, separated by commas"
  type        = string
  default     = null
}

variable "release_id" {
  description = "A new one for each deployment, or nothing that changed reaches the callers. SAM looks at ten characters"
  type        = string
}

variable "commit" {
  description = "What was built, shown in the versions' descriptions"
  type        = string
  default     = null
}

variable "deployment_type" {
  description = "How callers are moved to a new version. The alarms that move them back need some five minutes"
  type        = string
  default     = null
}

variable "gradual" {
  description = "Whether CodeDeploy moves callers to a new version; \"false\" moves the alias at once, whatever it points at"
  type        = string
  default     = null
}

variable "alarm_topic_arn" {
  description = "SNS topic that hears of alarms and of deployments that were rolled back, or nothing"
  type        = string
  default     = null
}

variable "alarm_minimum_invocations" {
  description = "With fewer invocations no percentage rings"
  type        = number
  default     = null
}

variable "alarm_failure_percent" {
  description = "Of failed invocations, all agents together"
  type        = number
  default     = null
}

variable "alarm_agent_failure_percent" {
  description = "Of failed invocations of one agent, in fifteen minutes"
  type        = number
  default     = null
}

variable "alarm_first_chunk_ms" {
  description = "Of the average wait for the first chunk"
  type        = number
  default     = null
}

variable "alarm_connection_failure_percent" {
  description = "Of failed attempts to connect to agents"
  type        = number
  default     = null
}

variable "alarm_timeout_percent" {
  description = "Of invocations that Lambda ended for taking too long"
  type        = number
  default     = null
}

variable "alarm_incomplete_percent" {
  description = "Of replies that broke off"
  type        = number
  default     = null
}

variable "alarm_empty_percent" {
  description = "Of replies without text"
  type        = number
  default     = null
}

variable "alarm_gateway_error_percent" {
  description = "Of requests to the API that were answered with 5xx"
  type        = number
  default     = null
}

variable "alarm_crashes" {
  description = "Of Lambda's errors in a minute, in three of fifteen minutes"
  type        = number
  default     = null
}

variable "alarm_throttles" {
  description = "Of invocations in a minute that Lambda refused for want of concurrency, in three of fifteen minutes"
  type        = number
  default     = null
}

variable "alarm_concurrency_percent" {
  description = "Of the reserved concurrency in use, where there is one"
  type        = number
  default     = null
}

variable "streaming" {
  description = "A second function for streams (/api/agents/invoke/stream, AG-UI, OpenAI), whose pieces leave one by one"
  type        = string
  default     = null
}

variable "architecture" {
  description = "The functions' processor"
  type        = string
  default     = null
}

variable "memory_size" {
  description = "In MB"
  type        = number
  default     = null
}

variable "timeout" {
  description = "Of the buffered function, in seconds; its API waits for 29"
  type        = number
  default     = null
}

variable "invoke_timeout_ms" {
  description = "Of an invocation that is answered whole"
  type        = number
  default     = null
}

variable "stream_timeout" {
  description = "Of the streaming function, in seconds"
  type        = number
  default     = null
}

variable "stream_invoke_timeout_ms" {
  description = "Of an invocation that is streamed"
  type        = number
  default     = null
}

variable "chunk_timeout_ms" {
  description = "An agent's longest silence"
  type        = number
  default     = null
}

variable "session_binding_key" {
  description = "Key by which sessions are bound to their callers, or nothing"
  type        = string
  default     = null
  sensitive   = true
}

variable "session_binding_key_arn" {
  description = "In place of that, the ARN of a secret of Secrets Manager or a parameter of SSM that holds the key"
  type        = string
  default     = null
}

variable "session_binding_kms_key_arn" {
  description = "With SessionBindingKeyArn, the KMS key that encrypts it, where that is one of your own"
  type        = string
  default     = null
}

variable "agent_core_endpoint_url" {
  description = "In place of AgentCore's public endpoint (an emulator under sam local), or nothing"
  type        = string
  default     = null
}

variable "reserved_concurrency" {
  description = "At most so many answers at once, which no other function can take; nothing is the account's pool"
  type        = string
  default     = null
}

variable "stream_reserved_concurrency" {
  description = "At most so many answers at once, which no other function can take; nothing is the account's pool"
  type        = string
  default     = null
}

variable "throttling_rate" {
  description = "Requests per second"
  type        = number
  default     = null
}

variable "throttling_burst" {
  description = "Requests at once"
  type        = number
  default     = null
}

variable "stream_throttling_rate" {
  description = "The same on each route that may stream, where one request may last for minutes"
  type        = number
  default     = null
}

variable "stream_throttling_burst" {
  description = "Requests at once on each of those"
  type        = number
  default     = null
}

variable "rate_limit_per_minute" {
  description = "Invocations per minute of one caller"
  type        = number
  default     = null
}

variable "max_concurrent_per_caller" {
  description = "Invocations of one caller at the same time"
  type        = number
  default     = null
}

variable "vpc_subnet_ids" {
  description = "Subnets in which the functions run, separated by commas, or nothing"
  type        = string
  default     = null
}

variable "vpc_security_group_ids" {
  description = "Their security groups"
  type        = string
  default     = null
}

variable "domain_name" {
  description = "A domain of your own for the API, or nothing"
  type        = string
  default     = null
}

variable "certificate_arn" {
  description = "Its certificate in ACM, in this region"
  type        = string
  default     = null
}

variable "domain_base_path" {
  description = "The path at that domain below which the API lies, without slashes; nothing is its root"
  type        = string
  default     = null
}

variable "hosted_zone_id" {
  description = "The zone of Route 53 that gets the domain's records; with nothing you make them"
  type        = string
  default     = null
}

variable "permissions_boundary" {
  description = "The ARN of a policy that bounds every role of this stack, or nothing"
  type        = string
  default     = null
}

variable "role_path" {
  description = "The path of every role of this stack"
  type        = string
  default     = null
}

variable "kms_key_arn" {
  description = "The KMS key that encrypts the functions' variables and the logs; nothing is AWS's own"
  type        = string
  default     = null
}

variable "log_level" {
  description = "What is logged of an invocation"
  type        = string
  default     = null
}

variable "log_retention_days" {
  description = "How long logs are kept"
  type        = number
  default     = null
}

variable "gateway_log_role" {
  description = "The role by which API Gateway writes access logs, one for each account and region; create it, or it is present"
  type        = string
  default     = null
}
