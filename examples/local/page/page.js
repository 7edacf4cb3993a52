// The page: agents, their conversations, and the form. What an agent sends is shown as text alone.

import { Conversation } from './agents-client.js';
import { element } from './dom.js';
import { runTurn } from './turn.js';

/** When an agent of one's own that is gone is looked at again, in ms. */
const LOOK_AGAIN = 1_500;
const BEHIND = {
  emulator: 'An emulator is behind it, with ready-made agents. AWS is not asked for anything.',
  own: 'Your own agents are behind it. AWS is not asked for anything.',
  aws: 'The real Bedrock AgentCore Runtime is behind it.',
};
const STATUS = { available: 'available', unavailable: 'unavailable', not_configured: 'not configured', unknown: 'unknown' };

const $ = id => document.getElementById(id);
const [form, prompt, send, stop, session, keep] = ['ask', 'prompt', 'send', 'stop', 'session', 'keep'].map($);
/** Sessions that outlast the page. A browser that lets no page store anything keeps none. */
const kept = {
  key: id => `agentcore-bridge session ${id}`,
  get(id) {
    try {
      return localStorage.getItem(this.key(id)) ?? undefined;
    } catch {
      return undefined;
    }
  },
  set(id, session) {
    try {
      if (session) localStorage.setItem(this.key(id), session);
      else localStorage.removeItem(this.key(id));
    } catch {
      announce('This browser keeps nothing for this page.');
    }
  },
};
const chats = new Map();
let chosen;
let mode = 'emulator';
let looking;

/** What the local run knows beside the API; nothing where it cannot be asked. */
async function info() {
  try {
    return await (await fetch('local/info')).json();
  } catch {
    return undefined;
  }
}

/** An agent with its conversation, its turns and its place in the list. */
function chat(agent) {
  const input = element('input', { type: 'radio', name: 'agent', value: agent.id });
  const status = element('span', { className: 'status', textContent: agent.configured ? '…' : STATUS.not_configured });
  const label = element('label', {}, input, element('span', { className: 'name', textContent: agent.name }), status);
  const stored = kept.get(agent.id);
  const headers = () => ($('token').value ? { authorization: `Bearer ${$('token').value.trim()}` } : {});
  const conversation = new Conversation(agent.id, { sessionId: stored, headers });
  const turns = element('section', { 'aria-label': `Conversation with ${agent.name}`, hidden: true });
  input.addEventListener('change', () => choose(agent.id));
  $('agents').firstElementChild.append(label);
  $('turns').append(turns);
  chats.set(agent.id, { agent, conversation, turns, input, status, keeps: stored !== undefined });
}

function choose(id) {
  const from = chats.get(chosen);
  if (from) from.turns.hidden = true;
  chosen = id;
  const { agent, turns, input, address } = chats.get(id);
  input.checked = true;
  turns.hidden = false;
  $('about').textContent = [agent.name, agent.description, address ?? agent.region].filter(Boolean).join(' · ');
  history.replaceState(null, '', `#${encodeURIComponent(id)}`);
  show();
}

/** The form as the chosen agent's conversation stands. */
function show() {
  const { conversation, abort, keeps } = chats.get(chosen);
  session.value = conversation.sessionId ?? '';
  keep.checked = keeps;
  [send.disabled, stop.disabled, session.readOnly] = [Boolean(abort), !abort, Boolean(abort)];
}

function store(chat) {
  const { agent, conversation, keeps } = chat;
  kept.set(agent.id, keeps ? conversation.sessionId : undefined);
  if (chosen === agent.id) show();
}

async function ask(text) {
  const chat = chats.get(chosen);
  if (!text.trim() || chat.abort) return;
  chat.abort = new AbortController();
  show();
  announce(`Sent to ${chat.agent.name}.`);
  const done = runTurn({
    place: chat.turns,
    conversation: chat.conversation,
    prompt: text,
    signal: chat.abort.signal,
    mode,
    info,
    onSession: () => store(chat),
    onRetry: () => { choose(chat.agent.id); ask(text); },
  });
  const outcome = await followed(done);
  if (mode === 'own') lookAgain();
  chat.abort = undefined;
  store(chat);
  announce({ complete: 'The reply is complete.', stopped: 'Stopped.', failed: 'The turn failed.' }[outcome]);
}

/** Keeps the end of the page in sight while a turn grows, unless the reader has scrolled away. */
async function followed(turn) {
  const page = document.scrollingElement;
  let atEnd = true;
  const onScroll = () => { atEnd = page.scrollHeight - page.scrollTop - page.clientHeight < 80; };
  const observer = new ResizeObserver(() => { if (atEnd) page.scrollTop = page.scrollHeight; });
  addEventListener('scroll', onScroll, { passive: true });
  observer.observe($('turns'));
  try {
    return await turn;
  } finally {
    observer.disconnect();
    removeEventListener('scroll', onScroll);
  }
}

function announce(text) {
  $('announce').textContent = text;
}

function showStatus(chat, status, title = '') {
  chat.status.className = `status ${status}`;
  chat.status.textContent = STATUS[status];
  chat.status.title = title;
}

async function askStatus(chat) {
  try {
    const answer = await fetch(`api/agents/${encodeURIComponent(chat.agent.id)}/status`);
    showStatus(chat, (await answer.json()).status);
  } catch {
    showStatus(chat, 'unknown');
  }
}

/** Agents of one's own come and go. Those that are gone are looked at until they are back; others are not
 * disturbed, since to some servers a connection on which nothing is said is an error. */
async function lookAgain() {
  clearTimeout(looking);
  const known = document.hidden ? undefined : await info();
  let isGone = false;
  for (const [id, { reachable, problem, address }] of Object.entries(known?.agents ?? {})) {
    const chat = chats.get(id);
    if (!chat) continue;
    isGone ||= !reachable;
    if (chat.status.className.includes('unavailable') && reachable) announce(`${chat.agent.name} is back.`);
    showStatus(chat, reachable ? 'available' : 'unavailable', problem ?? address);
  }
  clearTimeout(looking);
  if (isGone) looking = setTimeout(lookAgain, LOOK_AGAIN);
}

/** All statuses, as they are now. */
function look() {
  if (mode === 'own') lookAgain();
  else [...chats.values()].filter(({ agent }) => agent.configured).forEach(askStatus);
}

form.addEventListener('submit', event => {
  event.preventDefault();
  const text = prompt.value;
  if (!text.trim() || send.disabled) return;
  prompt.value = '';
  ask(text);
});
prompt.addEventListener('keydown', event => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});
addEventListener('keydown', event => { if (event.key === 'Escape') chats.get(chosen)?.abort?.abort(); });
stop.addEventListener('click', () => { chats.get(chosen).abort?.abort(); prompt.focus(); });
session.addEventListener('change', () => {
  const chat = chats.get(chosen);
  chat.conversation.sessionId = session.value.trim() || undefined;
  store(chat);
});
keep.addEventListener('change', () => {
  const chat = chats.get(chosen);
  chat.keeps = keep.checked;
  store(chat);
});
$('new').addEventListener('click', () => {
  const chat = chats.get(chosen);
  chat.abort?.abort();
  chat.conversation.sessionId = undefined;
  chat.turns.replaceChildren();
  store(chat);
  announce('The next prompt begins a new session.');
  prompt.focus();
});

// Whoever comes back to the page may have changed something meanwhile.
addEventListener('focus', look);
document.addEventListener('visibilitychange', () => { if (!document.hidden) look(); });

async function begin() {
  const [known, listed] = await Promise.all([info(), fetch('api/agents').then(answer => answer.json())]);
  mode = known?.mode ?? mode;
  $('behind').textContent = BEHIND[mode];
  listed.agents.forEach(chat);
  for (const [id, { address }] of Object.entries(known?.agents ?? {})) chats.get(id).address = address;
  const wanted = decodeURIComponent(location.hash.slice(1));
  choose([wanted, 'echo', listed.agents[0].id].find(id => chats.has(id)));
  prompt.focus();
  look();
}

begin().catch(error => {
  $('about').textContent = `The local run cannot be asked: ${error.message}`;
});
