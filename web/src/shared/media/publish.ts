/** WHIP (RFC 9725): this page's microphone and camera. Always both sections, so that a device
 * that is plugged in later needs no new session. */

import { preferVp8, withDtx } from './sdp'
import { type Door, MediaSession, type SessionOptions } from './session'

export interface Tracks {
  readonly microphone: MediaStreamTrack | null
  readonly camera: MediaStreamTrack | null
}

/** One layer of 640×360 is what a picture in a grid of four, or on a slow line, needs. */
const CAMERA_ENCODING: RTCRtpEncodingParameters = { maxBitrate: 600_000, maxFramerate: 30 }

export interface PublishOptions extends Pick<SessionOptions, 'createPeer' | 'fetch' | 'random'> {
  readonly door: () => Door | null
  readonly videoCodecs?: () => RTCRtpCodec[]
}

export class Publisher {
  readonly session: MediaSession
  private tracks: Tracks = { microphone: null, camera: null }

  constructor(private readonly options: PublishOptions) {
    this.session = new MediaSession({
      ...options,
      prepare: (peer) => this.prepare(peer),
      answer: withDtx,
    })
  }

  /** Change what is sent, without negotiating. */
  send(tracks: Tracks): void {
    this.tracks = tracks
    if (tracks.camera !== null) tracks.camera.contentHint = 'motion'
    if (tracks.microphone !== null) tracks.microphone.contentHint = 'speech'
    for (const peer of this.session.peers()) {
      const [audio, video] = peer.getTransceivers()
      void audio?.sender.replaceTrack(tracks.microphone)
      void video?.sender.replaceTrack(tracks.camera)
    }
  }

  private prepare(peer: RTCPeerConnection): void {
    peer.addTransceiver(this.tracks.microphone ?? 'audio', { direction: 'sendonly' })
    const video = peer.addTransceiver(this.tracks.camera ?? 'video', {
      direction: 'sendonly',
      sendEncodings: [CAMERA_ENCODING],
    })
    preferVp8(video, (this.options.videoCodecs ?? sendCodecs)())
  }
}

function sendCodecs(): RTCRtpCodec[] {
  return RTCRtpSender.getCapabilities('video')?.codecs ?? []
}
