import { beforeEach, expect, test } from 'vitest'
import { FakeDoors, FakePeers, fakeCamera, fakeTrack, settle } from '../../../test/peer'
import { Publisher } from './publish'

let peers: FakePeers
let doors: FakeDoors
let publisher: Publisher

beforeEach(() => {
  peers = new FakePeers()
  doors = new FakeDoors()
  publisher = new Publisher({
    door: () => ({ url: '/whip', token: 'token-1', iceServers: [], codec: 'VP8' }),
    createPeer: peers.create,
    fetch: doors.fetch,
    random: () => 1,
    videoCodecs: () => [{ mimeType: 'video/VP8', clockRate: 90_000 }],
  })
})

async function start(): Promise<void> {
  publisher.session.start()
  await settle()
  peers.last.become('connected')
}

const camera = () => {
  const sender = peers.last.transceivers[1]?.sender
  if (sender === undefined) throw new Error('no camera section')
  return sender
}

test('offers microphone, camera and slides even when the room has none', async () => {
  await start()
  const made = peers.last.transceivers
  expect(made.map(({ kind, direction }) => [kind, direction])).toEqual([
    ['audio', 'sendonly'],
    ['video', 'sendonly'],
    ['video', 'sendonly'],
  ])
  expect(made.map(({ encodings }) => encodings?.map(({ rid }) => rid))).toEqual([
    undefined,
    ['q', 'h', 'f'],
    [undefined],
  ])
})

test('offers as many layers as the camera has room for', async () => {
  publisher.send({ camera: fakeCamera(640, 360) })
  await start()
  expect(peers.last.transceivers[1]?.encodings?.map(({ rid }) => rid)).toEqual(['q', 'h'])
})

test('changes devices and slides without negotiating', async () => {
  const microphone = fakeTrack('audio')
  publisher.send({ microphone })
  await start()
  const [picture, screen] = [fakeCamera(1280, 720), fakeTrack('video')]
  publisher.send({ microphone: null, camera: picture })
  publisher.send({ slides: screen })

  const sent = () => peers.last.transceivers.map(({ sender }) => sender.track)
  expect(sent()).toEqual([null, picture, screen])
  expect([picture.contentHint, screen.contentHint]).toEqual(['motion', 'detail'])
  publisher.send({ slides: null })
  expect(sent()).toEqual([null, picture, null])
  expect(doors.of('POST')).toHaveLength(1)
})

test('a smaller camera is sent by fewer of the layers that were agreed', async () => {
  publisher.send({ camera: fakeCamera(1280, 720) })
  await start()
  publisher.send({ camera: fakeCamera(640, 360) })
  await settle()
  expect(camera().sends).toEqual(['q', 'h'])
})

test('an answer without simulcast leaves one layer, and that is a whole picture', async () => {
  peers.simulcast = false
  publisher.send({ camera: fakeCamera(1280, 720) })
  await start()
  await settle()
  expect(camera().encodings).toMatchObject([
    { active: true, scaleResolutionDownBy: 2, maxBitrate: 600_000 },
  ])
})

test('layers rest when nobody watches them, in the next session too', async () => {
  publisher.send({ camera: fakeCamera(1280, 720) })
  await start()
  publisher.watched('camera', ['q'])
  publisher.watched('slides', [''])
  await settle()
  expect(camera().sends).toEqual(['q'])

  peers.last.become('failed')
  await settle()
  expect(peers.made).toHaveLength(2)
  expect(camera().sends).toEqual(['q'])
  peers.last.become('connected')
  publisher.watched('camera', ['q', 'h', 'f'])
  await settle()
  expect(camera().sends).toEqual(['q', 'h', 'f'])
})

test('a new session sends what the old one sent', async () => {
  const tracks = {
    microphone: fakeTrack('audio'),
    camera: fakeCamera(640, 360),
    slides: fakeTrack('video'),
  }
  publisher.send(tracks)
  await start()
  peers.last.become('failed')
  await settle()
  expect(peers.made).toHaveLength(2)
  expect(peers.last.transceivers.map(({ sender }) => sender.track)).toEqual([
    tracks.microphone,
    tracks.camera,
    tracks.slides,
  ])
})
