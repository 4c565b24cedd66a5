/**
 * One sender's encodings, kept as they are wanted.
 *
 * `setParameters` refuses parameters that are not from the newest `getParameters`, and while
 * another change runs; so changes wait for each other, and the last wish wins.
 */

import { type Encoding, encodingsFor, type Size } from './layers'

/** The part of a sender that is used. */
export type Encodable = Pick<RTCRtpSender, 'getParameters' | 'setParameters'>

export interface Wish {
  /** What is captured. */
  readonly size: Size | null
  /** The layers that somebody watches; null: all. */
  readonly layers: readonly string[] | null
}

/** Tries of one change; the next wish starts anew. */
const TRIES = 3

export class Encoder {
  private wish: Wish | null = null
  private running = false

  constructor(
    private readonly sender: Encodable,
    private readonly preference: RTCDegradationPreference,
  ) {}

  /** Send like this from now on, as far as the far side has agreed. */
  want(wish: Wish): void {
    this.wish = wish
    if (!this.running) void this.run()
  }

  private async run(): Promise<void> {
    this.running = true
    let failures = 0
    while (this.wish !== null && failures < TRIES) {
      const { wish } = this
      this.wish = null
      try {
        await this.apply(wish)
        failures = 0
      } catch {
        failures += 1
        this.wish ??= wish
      }
    }
    this.wish = null
    this.running = false
  }

  private async apply({ size, layers }: Wish): Promise<void> {
    const parameters = this.sender.getParameters()
    // none before the answer in some browsers
    if (parameters.encodings === undefined || parameters.encodings.length === 0) return
    const rids = parameters.encodings.map(({ rid }) => rid ?? '')
    const wanted = encodingsFor(rids, size, layers)
    let changed = parameters.degradationPreference !== this.preference
    parameters.degradationPreference = this.preference
    for (const [index, encoding] of parameters.encodings.entries()) {
      const target = wanted[index]
      if (target !== undefined && adapt(encoding, target)) changed = true
    }
    if (changed) await this.sender.setParameters(parameters)
  }
}

/** Write the target into the encoding, whose name is never changed; true if it was different. */
function adapt(encoding: RTCRtpEncodingParameters, { rid: _, ...target }: Encoding): boolean {
  const before = JSON.stringify({ ...encoding, ...target }) !== JSON.stringify({ ...encoding })
  Object.assign(encoding, target)
  return before
}
