/** Cameras and microphones: what there is, what was chosen, and why one does not open. */

/** A device's id; `default` is whatever the browser takes, `none` is none at all. */
export interface Choice {
  readonly camera: string
  readonly microphone: string
}

export const DEFAULT_CHOICE: Choice = { camera: 'default', microphone: 'default' }

export type DeviceKind = 'camera' | 'microphone'
export type DeviceProblem = 'denied' | 'missing' | 'busy' | 'insecure' | 'unknown'

export interface Opened {
  readonly camera: MediaStreamTrack | null
  readonly microphone: MediaStreamTrack | null
  readonly problems: Readonly<Partial<Record<DeviceKind, DeviceProblem>>>
}

export interface DeviceList {
  readonly cameras: readonly MediaDeviceInfo[]
  readonly microphones: readonly MediaDeviceInfo[]
}

/** The part of `navigator.mediaDevices` that is used; absent on pages without https. */
export type Devices = Pick<MediaDevices, 'getUserMedia' | 'enumerateDevices'>

const KINDS: readonly DeviceKind[] = ['camera', 'microphone']

export async function listDevices(devices: Devices | undefined): Promise<DeviceList> {
  const all = (await devices?.enumerateDevices().catch(() => [])) ?? []
  const of = (kind: MediaDeviceKind): MediaDeviceInfo[] =>
    all.filter((device) => device.kind === kind && device.deviceId !== '')
  return { cameras: of('videoinput'), microphones: of('audioinput') }
}

/** Open what is chosen. One that fails does not keep the other from opening. */
export async function openDevices(
  devices: Devices | undefined,
  choice: Choice,
  cores: number | undefined = navigator.hardwareConcurrency,
): Promise<Opened> {
  const wanted = KINDS.filter((kind) => choice[kind] !== 'none')
  if (devices === undefined) {
    return { camera: null, microphone: null, problems: problemsOf(wanted, 'insecure') }
  }
  if (wanted.length === 2) {
    // together first: the browser then asks the person once, not twice
    const stream = await open(devices, choice, wanted, cores).catch(() => null)
    if (stream !== null) return opened(stream)
  }
  let result: Opened = { camera: null, microphone: null, problems: {} }
  for (const kind of wanted) {
    try {
      const stream = await open(devices, choice, [kind], cores)
      result = { ...result, [kind]: opened(stream)[kind] }
    } catch (error) {
      result = { ...result, problems: { ...result.problems, [kind]: problemOf(error) } }
    }
  }
  return result
}

async function open(
  devices: Devices,
  choice: Choice,
  kinds: readonly DeviceKind[],
  cores: number | undefined,
): Promise<MediaStream> {
  let strength: Strength = 'exact'
  let picture = pictureFor(cores)
  for (;;) {
    try {
      return await devices.getUserMedia(constraints(choice, kinds, strength, picture))
    } catch (error) {
      const name = error instanceof DOMException ? error.name : ''
      if (name === 'OverconstrainedError' && strength === 'exact') {
        // the remembered device is not plugged in: take another
        strength = 'ideal'
      } else if (TOO_LARGE.includes(name) && kinds.includes('camera') && picture !== SMALL) {
        picture = SMALL
      } else throw error
    }
  }
}

type Strength = 'exact' | 'ideal'

interface PictureSize {
  readonly width: number
  readonly height: number
}

const LARGE: PictureSize = { width: 1280, height: 720 }
const SMALL: PictureSize = { width: 640, height: 360 }
/** What browsers say when a camera, or the USB hub between, cannot start at a size. */
const TOO_LARGE: readonly string[] = ['NotReadableError', 'AbortError']

/** A machine of one or two cores has enough to do with a small picture. */
export function pictureFor(cores: number | undefined): PictureSize {
  return cores !== undefined && cores <= 2 ? SMALL : LARGE
}

function constraints(
  choice: Choice,
  kinds: readonly DeviceKind[],
  strength: Strength,
  picture: PictureSize,
): MediaStreamConstraints {
  const device = (id: string): MediaTrackConstraints =>
    id === 'default' ? {} : { deviceId: { [strength]: id } }
  const result: MediaStreamConstraints = {}
  if (kinds.includes('camera')) {
    result.video = {
      ...device(choice.camera),
      width: { ideal: picture.width },
      height: { ideal: picture.height },
      frameRate: { ideal: 25, max: 30 },
    }
  }
  if (kinds.includes('microphone')) {
    result.audio = {
      ...device(choice.microphone),
      echoCancellation: true,
      noiseSuppression: true,
      autoGainControl: true,
    }
  }
  return result
}

function opened(stream: MediaStream): Opened {
  return {
    camera: stream.getVideoTracks()[0] ?? null,
    microphone: stream.getAudioTracks()[0] ?? null,
    problems: {},
  }
}

function problemsOf(kinds: readonly DeviceKind[], problem: DeviceProblem): Opened['problems'] {
  return Object.fromEntries(kinds.map((kind) => [kind, problem]))
}

/** The exceptions of getUserMedia (Media Capture and Streams §10.2). */
export function problemOf(error: unknown): DeviceProblem {
  const name = error instanceof DOMException ? error.name : ''
  switch (name) {
    case 'NotAllowedError':
      return 'denied'
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'missing'
    case 'NotReadableError':
    case 'AbortError':
      return 'busy'
    case 'SecurityError':
    case 'TypeError':
      return 'insecure'
    default:
      return 'unknown'
  }
}

export function stopTracks(tracks: Pick<Opened, 'camera' | 'microphone'>): void {
  tracks.camera?.stop()
  tracks.microphone?.stop()
}

/**
 * Whether the chosen devices open without asking anybody. False where it cannot be determined.
 *
 * Firefox 115 cannot be asked about camera and microphone; named devices say that it remembers.
 */
export async function permissionPersists(
  choice: Choice,
  permissions: Pick<Permissions, 'query'> | undefined,
  devices: Devices | undefined,
): Promise<boolean> {
  const wanted = KINDS.filter((kind) => choice[kind] !== 'none')
  if (wanted.length === 0) return true
  const answers = await Promise.all(
    wanted.map(async (kind) => {
      try {
        const status = await permissions?.query({ name: kind as PermissionName })
        return status?.state ?? 'unknown'
      } catch {
        return 'unknown'
      }
    }),
  )
  if (answers.every((state) => state === 'granted')) return true
  if (answers.some((state) => state !== 'granted' && state !== 'unknown')) return false
  const { cameras, microphones } = await listDevices(devices)
  return [...cameras, ...microphones].some((device) => device.label !== '')
}
