/** The voice example in a browser, whose microphone is one that Chromium makes up. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { WebSocketServer } from 'ws';
import { startLocal } from '../../node/bridge.js';
import { launch, serve, skip } from './browser.js';

const EXAMPLE = join(import.meta.dirname, '../../../examples/voice');

/** An agent that keeps what it hears. */
class Listener {
  constructor(socket, { url }) {
    const { searchParams } = new URL(url, 'http://agent');
    this.session = searchParams.get('X-Amzn-Bedrock-AgentCore-Runtime-Session-Id');
    this.socket = socket;
    this.heard = [];
    this.closed = once(socket, 'close').then(([code]) => code);
    socket.on('message', (data, isBinary) => this.heard.push({ data, isBinary }));
  }

  /** Waits for so many messages. */
  async hears(count) {
    while (this.heard.length < count) await once(this.socket, 'message');
    return this.heard;
  }

  say(...events) {
    for (const event of events) this.socket.send(JSON.stringify(event));
  }
}

/** A tone of a second. */
function audio(content_id) {
  const samples = Int16Array.from({ length: 24_000 }, (_, at) => 8_000 * Math.sin(at / 10));
  return {
    type: 'bidi_audio_delta',
    audio: Buffer.from(samples.buffer).toString('base64'),
    format: 'pcm',
    sample_rate: 24_000,
    channels: 1,
    content_id,
  };
}

const words = (role, delta) => ({
  type: 'bidi_transcript_delta',
  delta,
  role,
  content_id: role,
});

describe('the voice example', { skip }, () => {
  let sockets, local, browser, page;
  const stopping = [];

  before(async () => {
    const { origin, stop } = await serve(EXAMPLE);
    sockets = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(sockets, 'listening');
    stopping.push(stop, () => sockets.close());
    const endpoint = `http://127.0.0.1:${sockets.address().port}`;
    local = await startLocal(
      { endpoint },
      { ECHO_AGENT_CONNECTIONS: 'presigned', CORS_ALLOWED_ORIGINS: origin },
    );
    stopping.push(() => local.stop());
    browser = await launch(
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      '--autoplay-policy=no-user-gesture-required',
    );
    stopping.push(() => browser.close());
    page = await browser.newPage();
    page.setDefaultTimeout(20_000);
    // What would be heard.
    await page.addInitScript(() => {
      window.sounds = [];
      const { start, stop } = AudioBufferSourceNode.prototype;
      AudioBufferSourceNode.prototype.start = function (at) {
        window.sounds.push({ seconds: this.buffer.duration, at });
        this.sound = window.sounds.at(-1);
        start.call(this, at);
      };
      AudioBufferSourceNode.prototype.stop = function () {
        this.sound.isStopped = true;
        stop.call(this);
      };
    });
    await page.goto(`${origin}/?agent=echo&api=${local.url}`);
  });

  after(async () => {
    for (const stop of stopping.reverse()) await stop();
  });

  async function talk() {
    const connected = once(sockets, 'connection');
    await page.getByRole('button', { name: 'Talk' }).click();
    return new Listener(...(await connected));
  }

  const sounds = () => page.evaluate(() => window.sounds);
  const until = check => page.waitForFunction(check);

  test('sends the microphone, plays and shows what the agent says', async () => {
    const listener = await talk();
    for (const { data, isBinary } of await listener.hears(12)) {
      assert.ok(isBinary);
      assert.equal(data.length, 3_200, 'a tenth of a second');
    }
    // Chromium's microphone beeps each second.
    assert.ok(listener.heard.some(({ data }) => data.some(byte => byte !== 0)));

    listener.say(
      { type: 'bidi_response_start', response_id: '1' },
      words('user', 'What is '),
      words('user', 'the weather?'),
      words('assistant', '<b>Sunny</b>.'),
      audio('1'),
      audio('1'),
    );
    await until(() => window.sounds.length === 2);
    const lines = await page.locator('#transcript p').allTextContents();
    assert.deepEqual(lines, ['user: What is the weather?', 'assistant: <b>Sunny</b>.']);
    const [first, second] = await sounds();
    assert.equal(first.seconds, 1);
    assert.ok(Math.abs(second.at - first.at - 1) < 0.001, 'one after the other');

    listener.say({ type: 'bidi_barge_in' });
    await until(() => window.sounds[1].isStopped);

    await page.getByRole('button', { name: 'Stop' }).click();
    assert.equal(await listener.closed, 1000);

    const again = await talk();
    assert.equal(again.session, listener.session, 'the conversation goes on');
    await again.hears(1);
    again.socket.close(1011);
    await page.getByText('the connection ended (1011)').waitFor();
    await page.getByRole('button', { name: 'Talk' }).waitFor();
  });

  test('shows why there is no address', async () => {
    await page.goto(page.url().replace('agent=echo', 'agent=nobody'));
    await page.getByRole('button', { name: 'Talk' }).click();
    await page.getByText('there is no agent').waitFor();
    await page.getByRole('button', { name: 'Talk' }).waitFor();
  });
});
