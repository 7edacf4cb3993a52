/** The microphone in messages of a tenth of a second: PCM, 16 bit, as many hertz as its context. */
class Microphone extends AudioWorkletProcessor {
  #samples = new Int16Array(sampleRate / 10);
  #length = 0;

  process([[channel = []]]) {
    for (const sample of channel) {
      this.#samples[this.#length++] = Math.max(-1, Math.min(1, sample)) * 0x7fff;
      if (this.#length < this.#samples.length) continue;
      this.port.postMessage(this.#samples.slice().buffer);
      this.#length = 0;
    }
    return true;
  }
}

registerProcessor('microphone', Microphone);
