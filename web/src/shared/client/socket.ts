/**
 * The page's WebSocket: keeps a live view of the conference, and gets commands there exactly once.
 *
 * A lost link is taken up again by itself. The view and everything that hangs on it (media,
 * pictures) stay as they are meanwhile.
 */

import { type Signal, signal } from '@preact/signals'
import {
  ERRORS,
  type ErrorCode,
  type Figures,
  HEARTBEAT_S,
  type Layers,
  type PageCommand,
  type PageMessage,
  type Report,
  type ServerMessage,
  type SessionClosed,
  type SiteCode,
  type SlotName,
} from '../wire/types.gen'
import { Backoff } from './backoff'
import { randomId } from './ids'
import { isErrorCode, Refusal, refusalOf } from './problem'
import { fromSnapshot, patched, type Received, type View } from './view'

/** `refused` is final: somebody has to do something before it makes sense to try again. */
export type Connection =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  | { readonly kind: 'reconnecting'; readonly since: number }
  | { readonly kind: 'refused'; readonly code: ErrorCode }
  | { readonly kind: 'closed' }

/** The part of `WebSocket` that is used here. */
export type SocketLike = Pick<
  WebSocket,
  'send' | 'close' | 'onopen' | 'onmessage' | 'onclose' | 'onerror'
>

export interface SocketOptions {
  readonly url: string
  readonly open?: (url: string) => SocketLike
  readonly now?: () => number
  readonly random?: () => number
}

/** No frame at all for this long: the link is dead, whatever the browser still believes. */
export const SILENCE_MS = 6_000

/** Refusals that will be the same on the next attempt. */
const FINAL: ReadonlySet<ErrorCode> = new Set([
  'unauthenticated',
  'forbidden',
  'foreign_origin',
  'link_invalid',
  'link_expired',
  'link_foreign',
  'link_revoked',
  'seat_taken',
  'replaced',
  'taken_over',
  'not_found',
])

interface Pending {
  readonly command: PageCommand
  readonly resolve: () => void
  readonly reject: (refusal: Refusal) => void
}

export class ConferenceSocket {
  readonly connection: Signal<Connection> = signal({ kind: 'connecting' })
  readonly view: Signal<View | null> = signal(null)
  readonly received: Signal<Received | null> = signal(null)
  /** The slots whose picture rests because this page's line is too slow. */
  readonly paused: Signal<ReadonlySet<SlotName>> = signal(new Set())
  /** Called when the bridge has ended one of this page's sessions. */
  onSessionClosed: (message: SessionClosed) => void = () => {}
  /** Called when it is known which layers of this page's pictures are watched. */
  onLayers: (message: Layers) => void = () => {}

  readonly pageId = randomId()
  /** Say hello as a further device, which waits while another one holds the seat. */
  standby = false
  private readonly pending = new Map<string, Pending>()
  private readonly backoff: Backoff
  private readonly open: (url: string) => SocketLike
  private readonly now: () => number
  private socket: SocketLike | null = null
  private established = false
  private watched: SiteCode[] | null = null
  private cued: SiteCode | null = null
  private beat = 0
  private heardAt = 0
  private heartbeatTimer: ReturnType<typeof setInterval> | undefined
  private retryTimer: ReturnType<typeof setTimeout> | undefined

  constructor(private readonly options: SocketOptions) {
    this.open = options.open ?? ((url) => new WebSocket(url))
    this.now = options.now ?? (() => Date.now())
    this.backoff = new Backoff({
      firstMs: 300,
      mostMs: 5_000,
      random: options.random ?? Math.random,
    })
  }

  /** Connect, and stay connected until `close` or a final refusal. */
  connect(): void {
    this.clearTimers()
    this.drop()
    const socket = this.open(this.options.url)
    this.socket = socket
    this.established = false
    this.heardAt = this.now()
    socket.onopen = () => {
      const { pageId, standby } = this
      this.post({ type: 'hello', page_id: pageId, ...(standby ? { standby } : {}) })
    }
    socket.onmessage = (event) => this.hear(String(event.data))
    socket.onclose = (event) => this.lose(event.code, event.reason)
    socket.onerror = () => {}
    this.heartbeatTimer = setInterval(() => this.tick(), HEARTBEAT_S * 1000)
  }

  /** Try again at once, for example when the browser says that the network is back. */
  hurry(): void {
    if (this.retryTimer !== undefined) this.connect()
  }

  /** Resolves when the command is stored; rejects with a `Refusal`. It survives lost links. */
  command(command: PageCommand): Promise<void> {
    const id = randomId()
    return new Promise((resolve, reject) => {
      this.pending.set(id, { command, resolve, reject })
      if (this.established) this.post({ type: 'command', id, command })
    })
  }

  /** Whose pictures this page's thumbnail slots show, slot 1 first. */
  watch(sites: SiteCode[]): void {
    if (this.watched !== null && this.watched.join() === sites.join()) return
    this.watched = sites
    if (this.established) this.post({ type: 'watch', sites })
  }

  /** Whose microphone this page hears in its cue slot. */
  cue(site: SiteCode | null): void {
    if (this.cued === site) return
    this.cued = site
    if (this.established) this.post({ type: 'cue', site })
  }

  /** What this page measures; worth nothing later, so it does not wait for a lost link. */
  report(report: Omit<Report, 'type'>): void {
    if (this.established) this.post({ type: 'report', ...report })
  }

  close(): void {
    this.clearTimers()
    this.drop()
    this.connection.value = { kind: 'closed' }
  }

  private post(message: PageMessage): void {
    this.socket?.send(JSON.stringify(message))
  }

  private tick(): void {
    if (this.now() - this.heardAt > SILENCE_MS) {
      this.lose(1006, '')
      return
    }
    if (!this.established) return
    this.beat += 1
    this.post({ type: 'heartbeat', n: this.beat })
  }

  private hear(text: string): void {
    this.heardAt = this.now()
    const message = JSON.parse(text) as ServerMessage
    switch (message.type) {
      case 'snapshot':
        this.view.value = fromSnapshot(message)
        this.paused.value = new Set()
        this.establish()
        break
      case 'patch': {
        if (this.view.value === null) break
        const next = patched(this.view.value, message)
        if (next === null) this.lose(1006, '')
        else this.view.value = next
        break
      }
      case 'result': {
        const waiting = this.pending.get(message.id)
        this.pending.delete(message.id)
        if (message.problem) waiting?.reject(refusalOf(message.problem))
        else waiting?.resolve()
        break
      }
      case 'figures':
        this.take(message)
        break
      case 'session_closed':
        this.onSessionClosed(message)
        break
      case 'thin':
        this.paused.value = new Set(message.paused)
        break
      case 'layers':
        this.onLayers(message)
        break
      case 'heartbeat_ack':
        break
    }
  }

  private take(figures: Figures): void {
    this.received.value = { figures, receivedAt: this.now() }
  }

  private establish(): void {
    this.connection.value = { kind: 'live' }
    this.backoff.reset()
    if (this.established) return
    this.established = true
    if (this.watched !== null) this.post({ type: 'watch', sites: this.watched })
    if (this.cued !== null) this.post({ type: 'cue', site: this.cued })
    for (const [id, { command }] of this.pending) this.post({ type: 'command', id, command })
  }

  private lose(closeCode: number, reason: string): void {
    this.clearTimers()
    this.drop()
    const code = codeOf(closeCode, reason)
    if (code === 'promoted') {
      this.standby = false
      this.connect()
      return
    }
    if (code !== null && FINAL.has(code)) {
      this.connection.value = { kind: 'refused', code }
      for (const { reject } of this.pending.values()) reject(new Refusal(code))
      this.pending.clear()
      return
    }
    if (this.connection.value.kind !== 'reconnecting') {
      this.connection.value = { kind: 'reconnecting', since: this.now() }
    }
    this.retryTimer = setTimeout(() => this.connect(), this.backoff.next())
  }

  /** Forget the socket without hearing from it again. */
  private drop(): void {
    const socket = this.socket
    this.socket = null
    this.established = false
    if (socket === null) return
    socket.onopen = null
    socket.onmessage = null
    socket.onclose = null
    socket.close()
  }

  private clearTimers(): void {
    clearInterval(this.heartbeatTimer)
    clearTimeout(this.retryTimer)
    this.retryTimer = undefined
  }
}

/** The reason text is the code; a proxy that drops it leaves the number. */
function codeOf(closeCode: number, reason: string): ErrorCode | null {
  if (isErrorCode(reason)) return reason
  if (closeCode < 4000) return null
  const row = Object.entries(ERRORS).find(([, kind]) => kind.close === closeCode)
  return row !== undefined && isErrorCode(row[0]) ? row[0] : null
}
