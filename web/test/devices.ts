/** A room's cameras and microphones, and a browser that may refuse them. */

import type { Devices } from '../src/shared/media/devices'
import { FakeTrack } from './peer'

export class FakeDevices implements Devices {
  /** Exception names by kind of device; absent opens. */
  refusals: Partial<Record<'audio' | 'video', string>> = {}
  /** The refusal is only for pictures of more than 360 lines. */
  smallOnly = false
  readonly asked: MediaStreamConstraints[] = []
  readonly tracks: FakeTrack[] = []
  infos = [
    { kind: 'videoinput', deviceId: 'video-1', label: 'Camera phòng họp', groupId: '' },
    { kind: 'audioinput', deviceId: 'audio-1', label: 'Micro bàn', groupId: '' },
  ]

  getUserMedia(constraints: MediaStreamConstraints = {}): Promise<MediaStream> {
    this.asked.push(constraints)
    for (const kind of ['video', 'audio'] as const) {
      const name = this.refusals[kind]
      if (constraints[kind] && name !== undefined && !(this.smallOnly && isSmall(constraints))) {
        return Promise.reject(new DOMException('refused', name))
      }
    }
    const made = (['audio', 'video'] as const)
      .filter((kind) => constraints[kind])
      .map((kind) => new FakeTrack(kind, `${kind}-1`))
    this.tracks.push(...made)
    const of = (kind: string): FakeTrack[] => made.filter((track) => track.kind === kind)
    return Promise.resolve({
      getAudioTracks: () => of('audio'),
      getVideoTracks: () => of('video'),
    } as unknown as MediaStream)
  }

  enumerateDevices(): Promise<MediaDeviceInfo[]> {
    return Promise.resolve(this.infos as unknown as MediaDeviceInfo[])
  }

  /** The newest track of a kind. */
  track(kind: 'audio' | 'video'): FakeTrack {
    const track = this.tracks.filter((one) => one.kind === kind).at(-1)
    if (track === undefined) throw new Error(`no ${kind} was opened`)
    return track
  }
}

/** Screens and windows, and a person who chooses one or not. */
export class FakeScreens {
  refusal: DOMException | null = null
  readonly asked: DisplayMediaStreamOptions[] = []
  readonly tracks: FakeTrack[] = []

  readonly getDisplayMedia = (options: DisplayMediaStreamOptions = {}): Promise<MediaStream> => {
    this.asked.push(options)
    if (this.refusal !== null) return Promise.reject(this.refusal)
    const track = new FakeTrack('video', `screen-${this.tracks.length + 1}`)
    this.tracks.push(track)
    return Promise.resolve({ getVideoTracks: () => [track] } as unknown as MediaStream)
  }
}

function isSmall({ video }: MediaStreamConstraints): boolean {
  const height = typeof video === 'object' ? video.height : undefined
  return typeof height === 'object' && (height.ideal ?? 0) <= 360
}

/** `navigator.permissions` that answers the same to every question. */
export function permissionsThatAre(state: PermissionState): Pick<Permissions, 'query'> {
  return { query: () => Promise.resolve({ state } as PermissionStatus) }
}
