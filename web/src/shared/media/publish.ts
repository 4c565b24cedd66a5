/** WHIP (RFC 9725): this page's microphone, camera and slides. Always all three sections, so that
 * what is plugged in or shared later needs no new session. */

import type { ProgramCodec, Track } from '../wire/types.gen'
import { Encoder } from './encoder'
import { encodingsFor, ridsFor, SLIDES, sizeOf } from './layers'
import { preferCodec, withDtx } from './sdp'
import { type Door, MediaSession, type SessionOptions } from './session'

export interface Tracks {
  readonly microphone: MediaStreamTrack | null
  readonly camera: MediaStreamTrack | null
  readonly slides: MediaStreamTrack | null
}

export interface PublishOptions extends Pick<SessionOptions, 'createPeer' | 'fetch' | 'random'> {
  readonly door: () => Door | null
  readonly videoCodecs?: () => RTCRtpCodec[]
}

export class Publisher {
  readonly session: MediaSession
  private tracks: Tracks = { microphone: null, camera: null, slides: null }
  /** The camera's layers that somebody watches; null until somebody has said so. */
  private layers: readonly string[] | null = null
  private readonly cameras = new WeakMap<RTCPeerConnection, Encoder>()

  constructor(private readonly options: PublishOptions) {
    this.session = new MediaSession({
      ...options,
      prepare: (peer, { codec }) => this.prepare(peer, codec),
      answered: (peer) => this.encode(peer),
      answer: withDtx,
    })
  }

  /** Change what is sent, without negotiating; what is not named stays. */
  send(tracks: Partial<Tracks>): void {
    this.tracks = { ...this.tracks, ...tracks }
    const { microphone, camera, slides } = this.tracks
    if (camera !== null) camera.contentHint = 'motion'
    if (microphone !== null) microphone.contentHint = 'speech'
    if (slides !== null) slides.contentHint = 'detail'
    for (const peer of this.session.peers()) {
      const senders = peer.getTransceivers().map(({ sender }) => sender)
      for (const [index, track] of [microphone, camera, slides].entries()) {
        const sender = senders[index]
        if (sender !== undefined && sender.track !== track) void replace(sender, track)
      }
      this.encode(peer)
    }
  }

  /** These layers of a track are watched; the others may rest. */
  watched(track: Track, layers: readonly string[]): void {
    if (track !== 'camera') return
    this.layers = layers
    for (const peer of this.session.peers()) this.encode(peer)
  }

  private prepare(peer: RTCPeerConnection, codec: ProgramCodec): void {
    const { microphone, camera, slides } = this.tracks
    const size = sizeOf(camera)
    peer.addTransceiver(microphone ?? 'audio', { direction: 'sendonly' })
    const pictures = [
      peer.addTransceiver(camera ?? 'video', {
        direction: 'sendonly',
        sendEncodings: encodingsFor(ridsFor(size), size, this.layers),
      }),
      peer.addTransceiver(slides ?? 'video', { direction: 'sendonly', sendEncodings: [SLIDES] }),
    ]
    const codecs = (this.options.videoCodecs ?? sendCodecs)()
    for (const picture of pictures) preferCodec(picture, codecs, codec)
  }

  /** As the answer allows: without simulcast in it one layer is left. */
  private encode(peer: RTCPeerConnection): void {
    const [, camera] = peer.getTransceivers()
    if (camera === undefined) return
    const encoder = this.cameras.get(peer) ?? new Encoder(camera.sender, 'maintain-framerate')
    this.cameras.set(peer, encoder)
    encoder.want({ size: sizeOf(this.tracks.camera), layers: this.layers })
  }
}

async function replace(sender: RTCRtpSender, track: MediaStreamTrack | null): Promise<void> {
  try {
    await sender.replaceTrack(track)
  } catch {
    // its connection was closed meanwhile; the next one begins with this track
  }
}

function sendCodecs(): RTCRtpCodec[] {
  return RTCRtpSender.getCapabilities('video')?.codecs ?? []
}
