/** Sound for scenarios, and what it costs at the test config's prices. */
import type { Bill } from '@faregate/simulators/provider'

/** A WAV of silence: 8 kHz, 16 bits, so that a second has 16,000 bytes. */
export function wavOf(seconds: number): Uint8Array<ArrayBuffer> {
  const dataBytes = Math.round(seconds * 8000) * 2
  const bytes = new Uint8Array(44 + dataBytes)
  const view = new DataView(bytes.buffer)
  const write = (at: number, text: string) => bytes.set(new TextEncoder().encode(text), at)
  write(0, 'RIFF')
  view.setUint32(4, 36 + dataBytes, true)
  write(8, 'WAVEfmt ')
  view.setUint32(16, 16, true)
  view.setUint16(20, 1, true)
  view.setUint16(22, 1, true)
  view.setUint32(24, 8000, true)
  view.setUint32(28, 16_000, true)
  view.setUint16(32, 2, true)
  view.setUint16(34, 16, true)
  write(36, 'data')
  view.setUint32(40, dataBytes, true)
  return bytes
}

export function wavFile(seconds = 3, name = 'talk.wav'): File {
  return new File([wavOf(seconds)], name, { type: 'audio/wav' })
}

/** What the provider asks in microcredits, of the models that hear and speak (`voice` to `omni`), which cost alike. */
export function soundCostOf(bill: Bill): number {
  const { promptTokens, cachedTokens, audioInputTokens, imageInputTokens } = bill
  const { completionTokens, audioOutputTokens, characters, audioSeconds, serviceTier } = bill
  const plain = promptTokens - cachedTokens - audioInputTokens - imageInputTokens
  const input = plain + cachedTokens * 0.5 + audioInputTokens * 3 + imageInputTokens * 2
  const output = (completionTokens - audioOutputTokens) * 2 + audioOutputTokens * 4
  const tier = serviceTier === 'priority' ? 2 : serviceTier === 'flex' ? 0.5 : 1
  return Math.ceil((input + output) * tier) + characters + Math.ceil(audioSeconds) * 100
}
