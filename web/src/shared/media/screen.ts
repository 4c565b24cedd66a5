/** A screen or window that this page shares, from the browser's question to its end. */

import { type Signal, signal } from '@preact/signals'

/**
 * Why nothing is shared: this browser cannot, nobody chose anything (or the browser was told to
 * refuse, which it does not tell apart), the system forbids it, or it failed.
 */
export type ScreenProblem = 'unsupported' | 'not_chosen' | 'blocked' | 'failed'

export type ShareState =
  | { readonly kind: 'off'; readonly problem: ScreenProblem | null }
  | { readonly kind: 'asking' }
  | { readonly kind: 'on'; readonly track: MediaStreamTrack }

/** The part of `navigator.mediaDevices` that is used; telephones have none of it. */
export interface Screens {
  readonly getDisplayMedia?: MediaDevices['getDisplayMedia']
}

/** Text is read, not watched. Chromium's own names keep this very page out of the choice. */
const WANTED: DisplayMediaStreamOptions & Record<string, unknown> = {
  video: { frameRate: { ideal: 10, max: 15 }, width: { max: 1920 }, height: { max: 1080 } },
  audio: false,
  selfBrowserSurface: 'exclude',
  surfaceSwitching: 'include',
}

export class ScreenShare {
  readonly state: Signal<ShareState> = signal({ kind: 'off', problem: null })
  /** Called with what is shared now; null when it has ended, here or in the browser's own bar. */
  onChange: (track: MediaStreamTrack | null) => void = () => {}
  private attempt = 0

  constructor(private readonly screens: Screens | undefined) {}

  /** Ask which screen or window to share; to be called from a tap. */
  async start(): Promise<void> {
    if (this.state.value.kind !== 'off') return
    if (this.screens?.getDisplayMedia === undefined) {
      this.state.value = { kind: 'off', problem: 'unsupported' }
      return
    }
    this.attempt += 1
    const { attempt } = this
    this.state.value = { kind: 'asking' }
    try {
      const stream = await this.screens.getDisplayMedia(WANTED)
      const track = stream.getVideoTracks()[0]
      if (attempt !== this.attempt) track?.stop()
      else if (track === undefined) this.state.value = { kind: 'off', problem: 'failed' }
      else this.adopt(track)
    } catch (error) {
      if (attempt !== this.attempt) return
      this.state.value = { kind: 'off', problem: screenProblemOf(error) }
    }
  }

  /** Share nothing; also takes back a question that is not answered yet. */
  stop(): void {
    this.attempt += 1
    const before = this.state.value
    if (before.kind === 'off') return
    this.state.value = { kind: 'off', problem: null }
    if (before.kind !== 'on') return
    before.track.stop()
    this.onChange(null)
  }

  /** The problem has been read. */
  dismiss(): void {
    if (this.state.value.kind === 'off') this.state.value = { kind: 'off', problem: null }
  }

  private adopt(track: MediaStreamTrack): void {
    this.state.value = { kind: 'on', track }
    track.addEventListener('ended', () => {
      const now = this.state.value
      if (now.kind === 'on' && now.track === track) this.stop()
    })
    this.onChange(track)
  }
}

/** The exceptions of getDisplayMedia (Screen Capture §5.1). */
export function screenProblemOf(error: unknown): ScreenProblem {
  if (!(error instanceof DOMException)) return 'failed'
  if (error.name === 'NotSupportedError') return 'unsupported'
  if (error.name === 'NotReadableError') return 'blocked'
  if (error.name !== 'NotAllowedError' && error.name !== 'AbortError') return 'failed'
  return /system/i.test(error.message) ? 'blocked' : 'not_chosen'
}
