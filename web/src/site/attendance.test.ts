import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { settle } from '../../test/peer'
import { FakeRoom, SEATED } from '../../test/room'
import { conferenceRow, seatRow, slidesRow, stageRow } from '../../test/rows'
import { REPORT_MS, TAKEN_RETRY_MS } from './attendance'

let room: FakeRoom

beforeEach(() => {
  vi.useFakeTimers()
  room = new FakeRoom()
})

afterEach(() => {
  room.attendance.close()
  vi.useRealTimers()
})

describe('entering', () => {
  test('opening a link takes nothing: the tap does', async () => {
    await room.attendance.open()
    expect(room.screen).toBe('enter')
    expect(room.exchanges).toEqual([])
    expect(room.devices.asked).toEqual([])

    await room.attendance.enter()

    expect(room.exchanges).toEqual(['/c/c1/s/48/exchange'])
    expect(room.screen).toBe('devices')
    expect(room.server.sockets).toEqual([])
  })

  test('a link that has expired says so', async () => {
    room = new FakeRoom({
      exchange: () => Response.json({ code: 'link_expired' }, { status: 401 }),
    })
    await room.attendance.open()
    await room.attendance.enter()
    expect(room.attendance.screen.value).toEqual({ kind: 'enter', failure: 'link_expired' })
  })

  test('an address without its token asks for the whole link', async () => {
    room = new FakeRoom({ token: null })
    await room.attendance.open()
    expect(room.screen).toBe('no_link')
  })

  test('a typed code leads straight to the devices', async () => {
    room = new FakeRoom({ token: null, arrived: SEATED })
    await room.attendance.open()
    await settle()
    expect(room.screen).toBe('devices')
    expect(room.attendance.seated.value?.name).toBe('Đà Nẵng')
    expect(room.attendance.gear.opened.value.camera).not.toBeNull()
    expect(room.exchanges).toEqual([])
    expect(room.server.sockets).toEqual([])
  })

  test('joining publishes both devices and receives the site’s slots', async () => {
    await room.join()
    expect(room.screen).toBe('joined')
    expect(room.server.last.url).toBe('ws://x/c/c1/s/48/socket')
    expect(room.doors.of('POST').map(({ url }) => url)).toEqual([
      '/whip',
      '/whep?slots=stage:4,floor:4',
    ])
    const [publishing] = room.peers.made
    expect(publishing?.transceivers.map(({ sender }) => sender.track?.kind)).toEqual([
      'audio',
      'video',
      undefined,
    ])
  })

  test('the layers that the server names are sent, and no others', async () => {
    await room.join()
    for (const peer of room.peers.made) peer.become('connected')
    room.server.last.receive({ type: 'layers', track: 'camera', layers: ['q'] })
    await settle()
    expect(room.peers.made[0]?.transceivers[1]?.sender.sends).toEqual(['q'])
  })

  test('a room without any device joins to watch and listen', async () => {
    room.devices.refusals = { audio: 'NotFoundError', video: 'NotAllowedError' }
    await room.join()
    expect(room.attendance.gear.opened.value.problems).toEqual({
      camera: 'denied',
      microphone: 'missing',
    })
    expect(room.doors.of('POST')).toHaveLength(2)
  })
})

describe('the microphone', () => {
  test('lets nothing out before the server has said that it is open', async () => {
    await room.attendance.open()
    await room.attendance.enter()
    await settle()
    room.attendance.join()
    expect(room.devices.track('audio').enabled).toBe(false)

    room.letIn({ muted_by_site: false })

    expect(room.heard).toBe(true)
  })

  test('follows the site’s own mute, not the operator’s', async () => {
    await room.join({ muted_by_site: true, muted_by_operator: true })
    expect(room.heard).toBe(false)
    room.put({ 'seat/48': seatRow('48', { muted_by_site: false, muted_by_operator: true }) })
    expect(room.heard).toBe(true)
  })

  test('is shut at once by its own button, also without a server', async () => {
    await room.join({ muted_by_site: false })
    room.server.last.end()
    room.attendance.toggleMic()
    expect(room.heard).toBe(false)

    vi.advanceTimersByTime(1_000)
    room.letIn({ muted_by_site: false })

    expect(room.commands).toEqual([{ type: 'mute', site: '48' }])
    expect(room.heard).toBe(false)
    const id = room.server.last.sentOf('command')[0]?.id ?? ''
    room.put({ 'seat/48': seatRow('48', { muted_by_site: true }) })
    room.server.last.receive({ type: 'result', id, problem: null })
    await settle()
    expect(room.heard).toBe(false)
  })

  test('opens only when the server says so', async () => {
    await room.join({ muted_by_site: true })
    room.attendance.toggleMic()
    expect(room.commands).toEqual([{ type: 'unmute', site: '48' }])
    expect(room.heard).toBe(false)
    room.put({ 'seat/48': seatRow('48', { muted_by_site: false }) })
    expect(room.heard).toBe(true)
  })

  test('stays shut when another device takes its place', async () => {
    await room.join({ muted_by_site: true })
    await room.attendance.changeDevices({ camera: 'none', microphone: 'audio-2' })
    expect(room.devices.track('audio').enabled).toBe(false)
  })

  test('stays shut through a reload', async () => {
    room = new FakeRoom({ joinedBefore: true })
    await room.attendance.open()
    await settle()
    expect(room.screen).toBe('joined')
    room.letIn({ muted_by_site: true })
    expect(room.heard).toBe(false)
  })
})

describe('coming back', () => {
  test('a reload goes straight in when the browser asks nothing', async () => {
    room = new FakeRoom({ joinedBefore: true })
    await room.attendance.open()
    await settle()
    expect(room.screen).toBe('joined')
    expect(room.exchanges).toEqual([])
    expect(room.devices.asked[0]).toMatchObject({
      video: { deviceId: { exact: 'video-1' } },
      audio: { deviceId: { exact: 'audio-1' } },
    })
  })

  test('and asks for one tap when the browser would ask', async () => {
    room = new FakeRoom({ joinedBefore: true, permission: 'prompt' })
    await room.attendance.open()
    expect(room.screen).toBe('return')
    expect(room.devices.asked).toEqual([])

    await room.attendance.comeBack()

    expect(room.screen).toBe('joined')
  })

  test('a cookie that has run out leads back to the link', async () => {
    room = new FakeRoom({ joinedBefore: true })
    await room.attendance.open()
    room.server.last.end(4401, 'unauthenticated')
    expect(room.screen).toBe('enter')
  })

  test('a link withdrawn during the conference ends it with a word', async () => {
    await room.join()
    room.server.last.end(4401, 'link_revoked')
    expect(room.attendance.screen.value).toEqual({ kind: 'refused', code: 'link_revoked' })
    expect(room.devices.tracks.every((track) => track.stopped)).toBe(true)
  })

  test('a new link is tried when the cookie of an old one is no good', async () => {
    room = new FakeRoom({ joinedBefore: true })
    await room.attendance.open()
    room.server.last.end(4401, 'link_revoked')
    expect(room.screen).toBe('enter')
  })

  test('media goes on while the socket is down, and is not opened anew', async () => {
    await room.join()
    for (const peer of room.peers.made) peer.become('connected')
    room.server.last.end()
    vi.advanceTimersByTime(1_000)
    room.letIn()
    await settle()
    expect(room.peers.made).toHaveLength(2)
    expect(room.peers.made.every((peer) => !peer.closed)).toBe(true)
  })

  test('a session that the bridge closed is opened anew, and only that one', async () => {
    await room.join()
    for (const peer of room.peers.made) peer.become('connected')
    room.server.last.receive({ type: 'session_closed', session: 'session-1', reason: 'gone' })
    await settle()
    expect(room.doors.of('POST').map(({ url }) => url.split('?')[0])).toEqual([
      '/whip',
      '/whep',
      '/whip',
    ])
  })
})

describe('the end', () => {
  test('leaving tells the server, shuts the devices and forgets', async () => {
    await room.join()
    const left = room.attendance.leave()
    expect(room.commands).toEqual([{ type: 'leave' }])
    expect(room.screen).toBe('left')
    expect(room.devices.tracks.every((track) => track.stopped)).toBe(true)
    expect(room.doors.of('DELETE')).toHaveLength(2)
    const id = room.server.last.sentOf('command')[0]?.id ?? ''
    room.server.last.receive({ type: 'result', id, problem: null })
    await left
    expect(room.server.last.closed).toBe(true)
    expect(room.memory.read().joined).toBe(false)
  })

  test('the conference’s end shuts everything', async () => {
    await room.join()
    room.put({ conference: conferenceRow({ phase: 'ended' }) })
    expect(room.screen).toBe('ended')
    expect(room.devices.tracks.every((track) => track.stopped)).toBe(true)
    expect(room.memory.read().joined).toBe(false)
  })

  test('a page that was replaced stops sending and does not come back', async () => {
    await room.join()
    room.server.last.end(4410, 'replaced')
    expect(room.screen).toBe('replaced')
    expect(room.devices.tracks.every((track) => track.stopped)).toBe(true)
    vi.advanceTimersByTime(60_000)
    expect(room.server.sockets).toHaveLength(1)
  })
})

describe('a seat that another device holds', () => {
  const hellos = () => room.server.sockets.map(({ sent }) => sent[0])

  async function refused(): Promise<void> {
    await room.attendance.open()
    await room.attendance.enter()
    await settle()
    room.attendance.join()
    room.server.last.accept()
    room.server.last.end(4409, 'seat_taken')
  }

  test('makes this one the standby device, at once', async () => {
    await refused()
    expect(room.server.sockets).toHaveLength(2)
    room.letInStandby()
    await settle()
    expect(hellos()).toMatchObject([{ type: 'hello' }, { type: 'hello', standby: true }])
    expect(hellos()[0]).not.toHaveProperty('standby')
    expect(room.screen).toBe('standby')
    expect(room.doors.of('POST')).toEqual([])
    expect(room.heard).toBe(false)
    expect(room.attendance.gear.opened.value.camera).not.toBeNull()
  })

  test('promoted, it connects at once as any other, and publishes', async () => {
    await refused()
    room.letInStandby()
    room.server.last.end(4412, 'promoted')
    expect(room.server.sockets).toHaveLength(3)
    room.letIn({ muted_by_site: true })
    await settle()
    expect(hellos()[2]).not.toHaveProperty('standby')
    expect(room.screen).toBe('joined')
    expect(room.doors.of('POST').map(({ url }) => url.split('?')[0])).toEqual(['/whip', '/whep'])
    expect(room.heard).toBe(false)
  })

  test('when the standby place is taken too, it asks again every 5 s', async () => {
    await refused()
    room.server.last.accept()
    room.server.last.end(4409, 'seat_taken')
    expect(room.screen).toBe('taken')
    expect(room.server.sockets).toHaveLength(2)

    vi.advanceTimersByTime(TAKEN_RETRY_MS)
    room.server.last.end(4409, 'seat_taken')
    vi.advanceTimersByTime(TAKEN_RETRY_MS)
    expect(room.server.sockets).toHaveLength(4)
    room.letIn({ muted_by_site: true })
    await settle()

    expect(hellos()[3]).toMatchObject({ standby: true })
    expect(room.screen).toBe('joined')
    expect(room.doors.of('POST')).toHaveLength(2)
  })

  test('a holder that was taken over stops, and may wait beside after a tap', async () => {
    await room.join()
    room.server.last.end(4411, 'taken_over')
    expect(room.screen).toBe('taken_over')
    expect(room.devices.tracks.every((track) => track.stopped)).toBe(true)
    vi.advanceTimersByTime(60_000)
    expect(room.server.sockets).toHaveLength(1)

    await room.attendance.standBy()
    room.letInStandby()

    expect(hellos()[1]).toMatchObject({ standby: true })
    expect(room.screen).toBe('standby')
  })

  test('a standby device that is not wanted goes, and stays away', async () => {
    await refused()
    room.letInStandby()
    const left = room.attendance.leave()
    await vi.advanceTimersByTimeAsync(60_000)
    await left
    expect(room.screen).toBe('left')
    expect(room.server.sockets).toHaveLength(2)
    expect(room.server.last.closed).toBe(true)
  })
})

describe('asking', () => {
  test('the hand goes up, and down again', async () => {
    await room.join()
    room.attendance.toggleHand()
    room.put({ 'seat/48': seatRow('48', { hand_since: 5, position: 2 }) })
    room.attendance.toggleHand()
    expect(room.commands).toEqual([{ type: 'raise_hand' }, { type: 'lower_hand', site: '48' }])
  })

  test('a technician is called, and the call taken back', async () => {
    await room.join()
    room.attendance.toggleHelp()
    room.put({ 'seat/48': seatRow('48', { help_since: 5 }) })
    room.attendance.toggleHelp()
    expect(room.commands).toEqual([{ type: 'ask_help' }, { type: 'clear_help', site: '48' }])
  })
})

describe('what it reports', () => {
  test('goes out every 5 s from the seat, and says which devices are there', async () => {
    room.devices.refusals = { video: 'NotFoundError' }
    await room.join()
    await vi.advanceTimersByTimeAsync(REPORT_MS)
    room.server.last.receive({ type: 'heartbeat_ack', n: 2 })
    await vi.advanceTimersByTimeAsync(REPORT_MS)
    const reports = room.server.last.sentOf('report')
    expect(reports).toHaveLength(2)
    expect(reports[0]).toMatchObject({ camera: false, microphone: true })
  })

  test('is about pictures that move: no slides, none that rests on a slow line', async () => {
    await room.join()
    room.put({ stage: stageRow('00', '01') })
    expect(room.attendance.moving).toEqual(['stage:1', 'stage:2'])
    room.put({ stage: slidesRow('01', '00', '79') })
    room.server.last.receive({ type: 'thin', paused: ['stage:3'] })
    expect(room.attendance.moving).toEqual(['stage:2', 'stage:4'])
  })

  test('is kept to itself by a standby device', async () => {
    await room.attendance.standBy()
    room.letInStandby()
    await vi.advanceTimersByTimeAsync(REPORT_MS)
    expect(room.server.last.sentOf('report')).toEqual([])
  })
})

describe('devices that go', () => {
  test('an unplugged camera is told, and taken again when it is back', async () => {
    await room.join()
    room.devices.track('video').end()
    expect(room.attendance.gear.lost.value).toBe('camera')
    const [publishing] = room.peers.made
    expect(publishing?.transceivers[1]?.sender.track).toBeNull()

    await room.attendance.gear.refresh()

    expect(room.attendance.gear.lost.value).toBeNull()
    expect(publishing?.transceivers[1]?.sender.track).not.toBeNull()
  })
})
