/** Peer connections and doors that the test holds the other end of. */

import type { Fetch } from '../src/shared/client/rest'

/** Refuses parameters that are not from the newest `getParameters`, as browsers do. */
export class FakeSender {
  encodings: RTCRtpEncodingParameters[]
  degradationPreference: RTCDegradationPreference | undefined
  /** How often its parameters were set. */
  changes = 0
  private taken = 0

  constructor(
    public track: MediaStreamTrack | null,
    encodings: RTCRtpEncodingParameters[] = [{}],
  ) {
    this.encodings = encodings.map((one) => ({ active: true, ...one }))
  }

  readonly replaceTrack = (track: MediaStreamTrack | null): Promise<void> => {
    this.track = track
    return Promise.resolve()
  }

  readonly getParameters = (): RTCRtpSendParameters => {
    this.taken += 1
    return {
      transactionId: String(this.taken),
      encodings: this.encodings.map((one) => ({ ...one })),
      codecs: [],
      headerExtensions: [],
      rtcp: {},
      ...(this.degradationPreference === undefined
        ? {}
        : { degradationPreference: this.degradationPreference }),
    }
  }

  readonly setParameters = async (parameters: RTCRtpSendParameters): Promise<void> => {
    if (parameters.transactionId !== String(this.taken)) throw new DOMException('', 'InvalidState')
    await Promise.resolve()
    this.taken += 1
    this.changes += 1
    this.encodings = parameters.encodings
    this.degradationPreference = parameters.degradationPreference
  }

  /** The names of the layers that are on. */
  get sends(): (string | undefined)[] {
    return this.encodings.filter(({ active }) => active).map(({ rid }) => rid)
  }
}

export interface FakeTransceiver {
  readonly kind: string
  readonly direction: RTCRtpTransceiverDirection | undefined
  readonly encodings: RTCRtpEncodingParameters[] | undefined
  readonly sender: FakeSender
  readonly receiver: { readonly track: MediaStreamTrack }
  codecs: RTCRtpCodec[] | null
  setCodecPreferences: (codecs: RTCRtpCodec[]) => void
}

export class FakePeer {
  readonly transceivers: FakeTransceiver[] = []
  connectionState: RTCPeerConnectionState = 'new'
  onconnectionstatechange: (() => void) | null = null
  localDescription: { sdp: string } | null = null
  answer: string | null = null
  closed = false

  constructor(
    readonly configuration: RTCConfiguration,
    private readonly simulcast: boolean,
  ) {}

  addTransceiver(
    what: string | MediaStreamTrack,
    init: RTCRtpTransceiverInit = {},
  ): FakeTransceiver {
    const kind = typeof what === 'string' ? what : what.kind
    const sender = new FakeSender(typeof what === 'string' ? null : what, init.sendEncodings)
    const transceiver: FakeTransceiver = {
      kind,
      direction: init.direction,
      encodings: init.sendEncodings,
      sender,
      receiver: { track: fakeTrack(kind) },
      codecs: null,
      setCodecPreferences: (codecs) => {
        transceiver.codecs = codecs
      },
    }
    this.transceivers.push(transceiver)
    return transceiver
  }

  getTransceivers(): FakeTransceiver[] {
    return this.transceivers
  }

  createOffer(): Promise<{ type: 'offer'; sdp: string }> {
    return Promise.resolve({ type: 'offer', sdp: `offer of ${this.transceivers.length}` })
  }

  setLocalDescription(description: { sdp: string }): Promise<void> {
    this.localDescription = description
    return Promise.resolve()
  }

  setRemoteDescription(description: { sdp: string }): Promise<void> {
    this.answer = description.sdp
    for (const { sender } of this.simulcast ? [] : this.transceivers) sender.encodings.splice(1)
    return Promise.resolve()
  }

  getStats(): Promise<RTCStatsReport> {
    return Promise.resolve(new Map() as unknown as RTCStatsReport)
  }

  close(): void {
    this.closed = true
  }

  become(state: RTCPeerConnectionState): void {
    this.connectionState = state
    this.onconnectionstatechange?.()
  }
}

export class FakePeers {
  readonly made: FakePeer[] = []
  /** Whether the far side agrees to several layers. */
  simulcast = true

  readonly create = (configuration: RTCConfiguration): RTCPeerConnection => {
    const peer = new FakePeer(configuration, this.simulcast)
    this.made.push(peer)
    return peer as unknown as RTCPeerConnection
  }

  get last(): FakePeer {
    const peer = this.made.at(-1)
    if (peer === undefined) throw new Error('no peer connection was made')
    return peer
  }
}

/** A track of a device or a connection; `end` pulls the plug. */
export class FakeTrack extends EventTarget {
  enabled = true
  stopped = false
  contentHint = ''

  constructor(
    readonly kind: string,
    readonly deviceId: string,
    private readonly size: MediaTrackSettings = {},
  ) {
    super()
  }

  getSettings(): MediaTrackSettings {
    return { deviceId: this.deviceId, ...this.size }
  }

  clone(): FakeTrack {
    return new FakeTrack(this.kind, this.deviceId, this.size)
  }

  stop(): void {
    this.stopped = true
  }

  end(): void {
    this.dispatchEvent(new Event('ended'))
  }
}

export function fakeTrack(kind: string, deviceId = `${kind}-1`): MediaStreamTrack {
  return new FakeTrack(kind, deviceId) as unknown as MediaStreamTrack
}

export function fakeCamera(width: number, height: number): MediaStreamTrack {
  return new FakeTrack('video', 'video-1', { width, height }) as unknown as MediaStreamTrack
}

export interface DoorRequest {
  readonly url: string
  readonly method: string
  readonly headers: Record<string, string>
  readonly body: string
  readonly keepalive: boolean
}

/** WHIP and WHEP doors: 201 with a session each, unless told to refuse. */
export class FakeDoors {
  readonly requests: DoorRequest[] = []
  refusal: { status: number; code: string } | null = null
  private sessions = 0

  readonly fetch: Fetch = (url, init = {}) => {
    this.requests.push({
      url,
      method: init.method ?? 'GET',
      headers: init.headers as Record<string, string>,
      body: String(init.body ?? ''),
      keepalive: init.keepalive ?? false,
    })
    if (init.method === 'DELETE') return Promise.resolve(new Response(null, { status: 200 }))
    if (this.refusal !== null) {
      const { status, code } = this.refusal
      const problem = JSON.stringify({ code, detail: '', params: {} })
      return Promise.resolve(new Response(problem, { status }))
    }
    this.sessions += 1
    const door = url.includes('whip') ? 'whip' : 'whep'
    const headers = { Location: `/${door}/node-1/session-${this.sessions}` }
    return Promise.resolve(new Response('answer', { status: 201, headers }))
  }

  of(method: string): DoorRequest[] {
    return this.requests.filter((request) => request.method === method)
  }
}

/** Let everything that is waiting on settled promises run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await Promise.resolve()
}
