/** WHEP: one connection with a receive section per slot; the bridge switches sources into them. */

import { type Signal, signal } from '@preact/signals'
import type { ProgramCodec, SlotName } from '../wire/types.gen'
import { preferCodec } from './sdp'
import { type Door, MediaSession, type SessionOptions } from './session'
import { slotMedia, slotNames } from './slots'

export type Streams = ReadonlyMap<SlotName, MediaStream>

export interface ReceiveOptions extends Pick<SessionOptions, 'createPeer' | 'fetch' | 'random'> {
  readonly door: () => Door | null
  /** As `?slots=` takes it, `stage:4,floor:4`. */
  readonly slots: string
  readonly videoCodecs?: () => RTCRtpCodec[]
}

export class Receiver {
  /** A stream per slot, of the connection in use; empty before the first. */
  readonly streams: Signal<Streams> = signal(new Map())
  readonly session: MediaSession
  private readonly names: SlotName[]

  constructor(private readonly options: ReceiveOptions) {
    this.names = slotNames(options.slots)
    this.session = new MediaSession({
      ...options,
      door: () => this.door(),
      prepare: (peer, { codec }) => this.prepare(peer, codec),
      adopted: (peer) => this.adopt(peer),
    })
  }

  /** End the session, and let go of its pictures and sounds. */
  stop(): void {
    this.session.stop()
    this.streams.value = new Map()
  }

  private door(): Door | null {
    const door = this.options.door()
    if (door === null) return null
    const mark = door.url.includes('?') ? '&' : '?'
    return { ...door, url: `${door.url}${mark}slots=${this.options.slots}` }
  }

  private prepare(peer: RTCPeerConnection, codec: ProgramCodec): void {
    const codecs = (this.options.videoCodecs ?? receiveCodecs)()
    for (const name of this.names) {
      const media = slotMedia(name)
      const transceiver = peer.addTransceiver(media, { direction: 'recvonly' })
      if (media === 'video') preferCodec(transceiver, codecs, codec)
    }
  }

  private adopt(peer: RTCPeerConnection): void {
    const transceivers = peer.getTransceivers()
    this.streams.value = new Map(
      this.names.flatMap((name, index) => {
        const track = transceivers[index]?.receiver.track
        return track === undefined ? [] : [[name, new MediaStream([track])] as const]
      }),
    )
  }
}

function receiveCodecs(): RTCRtpCodec[] {
  return RTCRtpReceiver.getCapabilities('video')?.codecs ?? []
}
