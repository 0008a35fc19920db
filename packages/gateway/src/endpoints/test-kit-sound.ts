/** Sound for tests: files that say what they are, and can be made to lie. */

export type WavChoices = {
  seconds?: number
  samplesPerSecond?: number
  channels?: number
  bits?: number
  codec?: number
  /** What the header says, where that is not true. */
  bytesPerSecond?: number
  dataBytes?: number
}

/** A WAV file of silence. */
export function wavOf(choices: WavChoices = {}): Uint8Array<ArrayBuffer> {
  const { seconds = 1, samplesPerSecond = 8000, channels = 1, bits = 16, codec = 1 } = choices
  const frameBytes = (channels * bits) / 8
  const dataBytes = Math.round(seconds * samplesPerSecond) * frameBytes
  const bytes = new Uint8Array(44 + dataBytes)
  const view = new DataView(bytes.buffer)
  const write = (at: number, text: string) => bytes.set(new TextEncoder().encode(text), at)
  write(0, 'RIFF')
  view.setUint32(4, 36 + dataBytes, true)
  write(8, 'WAVEfmt ')
  view.setUint32(16, 16, true)
  view.setUint16(20, codec, true)
  view.setUint16(22, channels, true)
  view.setUint32(24, samplesPerSecond, true)
  view.setUint32(28, choices.bytesPerSecond ?? samplesPerSecond * frameBytes, true)
  view.setUint16(32, frameBytes, true)
  view.setUint16(34, bits, true)
  write(36, 'data')
  view.setUint32(40, choices.dataBytes ?? dataBytes, true)
  return bytes
}

/** Frames of an MP3 of 64 kbit/s at 16 kHz: 288 bytes and 36 ms each. */
export function mp3Of(frames: number, before: Uint8Array = new Uint8Array()): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(before.length + frames * 288)
  bytes.set(before)
  for (let frame = 0; frame < frames; frame += 1) {
    bytes.set([0xff, 0xf3, 0x88, 0xc4], before.length + frame * 288)
  }
  return bytes
}

/** An ID3v2 tag of this length. */
export function id3Of(length: number): Uint8Array {
  const tag = new Uint8Array(10 + length)
  tag.set([0x49, 0x44, 0x33, 3, 0, 0, 0, 0, length >> 7, length & 0x7f])
  return tag
}
