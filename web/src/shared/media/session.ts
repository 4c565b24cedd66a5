/**
 * One WHIP or WHEP session that is always wanted: opened by a POST, renewed when it breaks.
 *
 * The old connection stays until the new one carries media, so a renewal costs no picture.
 */

import { type Signal, signal } from '@preact/signals'
import { Backoff } from '../client/backoff'
import { type Failure, failureOf, Refusal, refusalOfResponse } from '../client/problem'
import type { Fetch } from '../client/rest'
import type { Doors, IceServer, ProgramCodec, SessionId } from '../wire/types.gen'

/** Where to knock now; asked anew for each attempt, since tokens change. */
export interface Door {
  readonly url: string
  readonly token: string
  readonly iceServers: readonly IceServer[]
  /** The only one that is taken for pictures. */
  readonly codec: ProgramCodec
}

/** The door that this page was told of; null while it has none. */
export function doorOf(doors: Doors | undefined, kind: 'whip' | 'whep'): Door | null {
  const url = doors?.[kind] ?? null
  if (doors === undefined || url === null) return null
  return { url, token: doors.token, iceServers: doors.ice_servers, codec: doors.codec }
}

export type SessionState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'connecting' }
  | { readonly kind: 'connected' }
  | { readonly kind: 'retrying'; readonly failure: Failure }

export interface SessionOptions {
  readonly door: () => Door | null
  /** Adds the transceivers; runs for every new connection. */
  readonly prepare: (peer: RTCPeerConnection, door: Door) => void
  /** The far side's answer holds on this connection, which carries no media yet. */
  readonly answered?: (peer: RTCPeerConnection) => void
  /** This connection is the one in use from now on. */
  readonly adopted?: (peer: RTCPeerConnection) => void
  readonly answer?: (sdp: string) => string
  readonly createPeer?: (configuration: RTCConfiguration) => RTCPeerConnection
  readonly fetch?: Fetch
  readonly random?: () => number
}

/** From the POST to a connection with the bridge. */
export const CONNECT_MS = 10_000
/** ICE may come back from `disconnected` by itself; not for longer than this. */
export const DISCONNECTED_MS = 3_000

interface Link {
  readonly peer: RTCPeerConnection
  location: string | null
  deadline: ReturnType<typeof setTimeout> | undefined
}

export class MediaSession {
  readonly state: Signal<SessionState> = signal({ kind: 'idle' })

  private wanted = false
  private current: Link | null = null
  private candidate: Link | null = null
  private retryTimer: ReturnType<typeof setTimeout> | undefined
  private readonly backoff: Backoff
  private readonly fetch: Fetch
  private readonly createPeer: (configuration: RTCConfiguration) => RTCPeerConnection

  constructor(private readonly options: SessionOptions) {
    this.fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init))
    this.createPeer =
      options.createPeer ?? ((configuration) => new RTCPeerConnection(configuration))
    this.backoff = new Backoff({
      firstMs: 300,
      mostMs: 5_000,
      random: options.random ?? Math.random,
    })
  }

  start(): void {
    if (this.wanted) return
    this.wanted = true
    void this.attempt()
  }

  /** End it here and on the bridge. `keepalive` lets the DELETE outlive the page. */
  stop(): void {
    this.wanted = false
    clearTimeout(this.retryTimer)
    for (const link of [this.current, this.candidate]) if (link !== null) this.discard(link)
    this.current = null
    this.candidate = null
    this.state.value = { kind: 'idle' }
  }

  /** Open a new connection now; the present one stays until then. */
  renew(): void {
    if (!this.wanted || this.candidate !== null) return
    clearTimeout(this.retryTimer)
    void this.attempt()
  }

  /** The bridge has ended a session; true if it was ours. */
  closedByBridge(session: SessionId): boolean {
    const link = [this.candidate, this.current].find((one) => sessionOf(one) === session)
    if (link === undefined || link === null) return false
    // there is nothing left to delete
    link.location = null
    if (link === this.candidate) this.fail(link, 'internal')
    else this.broken()
    return true
  }

  /** Every connection that may carry media: the one in use and the one being opened. */
  peers(): RTCPeerConnection[] {
    return [this.current, this.candidate].flatMap((link) => (link === null ? [] : [link.peer]))
  }

  private async attempt(): Promise<void> {
    const door = this.options.door()
    if (door === null) {
      this.retry('no_bridge')
      return
    }
    const iceServers = door.iceServers.map(({ urls, username, credential }) => ({
      urls,
      ...(username === null ? {} : { username }),
      ...(credential === null ? {} : { credential }),
    }))
    const link: Link = {
      peer: this.createPeer({ iceServers, bundlePolicy: 'max-bundle' }),
      location: null,
      deadline: undefined,
    }
    this.candidate = link
    if (this.current === null) this.state.value = { kind: 'connecting' }
    link.deadline = setTimeout(() => this.fail(link, 'bridge_timeout'), CONNECT_MS)
    link.peer.onconnectionstatechange = () => this.changed(link)
    try {
      await this.negotiate(link, door)
    } catch (error) {
      this.fail(link, failureOf(error))
    }
  }

  private async negotiate(link: Link, door: Door): Promise<void> {
    this.options.prepare(link.peer, door)
    await link.peer.setLocalDescription(await link.peer.createOffer())
    const answer = await this.post(link, door, link.peer.localDescription?.sdp ?? '')
    if (this.candidate !== link) {
      this.discard(link)
      return
    }
    const sdp = this.options.answer?.(answer) ?? answer
    await link.peer.setRemoteDescription({ type: 'answer', sdp })
    this.options.answered?.(link.peer)
  }

  private async post(link: Link, door: Door, offer: string): Promise<string> {
    let response: Response
    try {
      response = await this.fetch(door.url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/sdp', Authorization: `Bearer ${door.token}` },
        body: offer,
      })
    } catch {
      throw new Refusal('unreachable')
    }
    if (!response.ok) throw await refusalOfResponse(response)
    link.location = new URL(response.headers.get('Location') ?? '', absolute(door.url)).href
    return response.text()
  }

  private changed(link: Link): void {
    const state = link.peer.connectionState
    if (link === this.candidate) {
      if (state === 'connected') this.adopt(link)
      else if (state === 'failed') this.fail(link, 'unreachable')
      return
    }
    if (link !== this.current) return
    clearTimeout(link.deadline)
    if (state === 'failed') this.broken()
    else if (state === 'disconnected') {
      link.deadline = setTimeout(() => this.broken(), DISCONNECTED_MS)
    } else if (state === 'connected') this.state.value = { kind: 'connected' }
  }

  private adopt(link: Link): void {
    clearTimeout(link.deadline)
    const old = this.current
    this.current = link
    this.candidate = null
    this.backoff.reset()
    this.state.value = { kind: 'connected' }
    this.options.adopted?.(link.peer)
    if (old !== null) this.discard(old)
  }

  private broken(): void {
    this.state.value = { kind: 'retrying', failure: 'unreachable' }
    this.renew()
  }

  private fail(link: Link, failure: Failure): void {
    if (this.candidate !== link) return
    this.candidate = null
    this.discard(link)
    if (this.wanted) this.retry(failure)
  }

  private retry(failure: Failure): void {
    if (this.current?.peer.connectionState !== 'connected') {
      this.state.value = { kind: 'retrying', failure }
    }
    clearTimeout(this.retryTimer)
    this.retryTimer = setTimeout(() => void this.attempt(), this.backoff.next())
  }

  private discard(link: Link): void {
    clearTimeout(link.deadline)
    link.peer.onconnectionstatechange = null
    link.peer.close()
    const token = this.options.door()?.token
    if (link.location === null || token === undefined) return
    this.fetch(link.location, {
      method: 'DELETE',
      headers: { Authorization: `Bearer ${token}` },
      keepalive: true,
    }).catch(() => {
      // the bridge notices a silent session by itself
    })
    link.location = null
  }
}

function absolute(url: string): string {
  return new URL(url, globalThis.location.href).href
}

/** The resource's last path segment is the session's name. */
function sessionOf(link: Link | null): SessionId | null {
  return link?.location?.split('/').at(-1) ?? null
}
