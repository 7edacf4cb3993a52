// What a person can do about an error, by its code, how far the turn had come, and what is behind the
// bridge: `emulator`, `own` agents, or `aws`.

const PHASES = {
  resolve: 'finding the agent',
  credentials: 'getting credentials',
  connect: 'connecting',
  handshake: 'the opening handshake',
  send: 'sending the prompt',
  first_chunk: 'waiting for the first word',
  stream: 'reading the reply',
};

export const phaseInWords = phase => PHASES[phase];

const OWN = {
  ServiceUnavailableError: 'Start the agent, or look at its own log. This page sees when it is back.',
};

const AWS = {
  AuthenticationError: 'Sign in (aws sso login), or set AWS_PROFILE or AWS_ACCESS_KEY_ID in .env and start again. An agent that takes its callers’ own token needs one below.',
  AuthorizationError:
    'The credentials need bedrock-agentcore:InvokeAgentRuntimeWithWebSocketStream on the runtime’s ARN and on <ARN>/runtime-endpoint/*.',
  NotFoundError: 'Check the ARN, its region and the qualifier in .env.',
  ServiceUnavailableError: 'The runtime may still be starting: try again, or read its log in CloudWatch.',
};

const ANY = {
  ValidationError: 'Change the request as the message says.',
  PayloadTooLargeError: 'Send a shorter prompt.',
  RateLimitError: 'Wait, or raise RATE_LIMIT_PER_MINUTE or MAX_CONCURRENT_PER_CALLER.',
  NetworkError: 'Is the local run still there? Look at its terminal.',
};

/** The next step for an `AgentError`. */
export function advice({ code, phase }, mode) {
  if (code === 'InternalError' && (phase === 'first_chunk' || phase === 'stream')) {
    return 'The agent said itself that it failed: its words are in the raw events below, and in its log.';
  }
  if (code === 'TimeoutError' && phase === 'first_chunk') {
    return 'The agent was silent: look whether it got the message below, or raise CHUNK_TIMEOUT_MS or INVOKE_TIMEOUT_MS.';
  }
  if (code === 'ServiceUnavailableError' && phase === 'first_chunk') {
    return 'The agent closed or lost the connection: its log says why.';
  }
  const doctor = mode === 'aws' ? ' `cargo local doctor` looks closer.' : '';
  const known = (mode === 'own' && OWN[code]) || (mode === 'aws' && AWS[code]) || ANY[code];
  return (known ?? 'The raw events below, and the terminal of the local run, say more.') + doctor;
}

/** Whether the same prompt may be sent again. */
export function again({ retryable, retryAfter, phase, code }) {
  if (retryable) {
    return retryAfter ? `Try again in ${retryAfter} s: the agent has not run.` : 'Trying again is safe: the agent has not run.';
  }
  if (['send', 'first_chunk', 'stream'].includes(phase)) {
    return 'Think before you try again: the agent may have run, and may have done something.';
  }
  return code === 'NetworkError' ? 'Nobody knows whether the agent has run.' : 'Trying again without a change will not help.';
}
