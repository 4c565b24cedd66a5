import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { conferenceRow, figures, rowsOf, seatRow, siteFigures, snapshot } from '../../../test/rows'
import { FakeServer } from '../../../test/socket'
import { Refusal } from './problem'
import { ConferenceSocket, SILENCE_MS } from './socket'
import { conferenceOf } from './view'

const hello = snapshot(rowsOf(conferenceRow(), [seatRow('48')]))
let server: FakeServer
let socket: ConferenceSocket

beforeEach(() => {
  vi.useFakeTimers()
  server = new FakeServer()
  socket = new ConferenceSocket({ url: 'ws://x/socket', open: server.open, random: () => 1 })
})

afterEach(() => {
  socket.close()
  vi.useRealTimers()
})

function goLive(): void {
  server.last.accept()
  server.last.receive(hello)
}

function connect(): void {
  socket.connect()
  goLive()
}

test('says hello first, and is live with the snapshot', () => {
  socket.connect()
  server.last.accept()

  expect(server.last.sent).toEqual([{ type: 'hello', page_id: socket.pageId }])
  expect(socket.pageId).toMatch(/^[A-Za-z0-9_-]{8,64}$/)
  expect(socket.connection.value.kind).toBe('connecting')

  server.last.receive(hello)

  expect(socket.connection.value.kind).toBe('live')
  expect(conferenceOf(socket.view.value)?.title).toBe('Hội nghị thử')
})

test('patches change the view; a gap in seq asks for a new snapshot', () => {
  connect()
  const put = { conference: conferenceRow({ phase: 'ended' }) }
  server.last.receive({ type: 'patch', seq: 8, put, drop: [] })
  expect(conferenceOf(socket.view.value)?.phase).toBe('ended')

  server.last.receive({ type: 'patch', seq: 10, put: {}, drop: [] })

  expect(socket.connection.value.kind).toBe('reconnecting')
  vi.advanceTimersByTime(1_000)
  expect(server.sockets).toHaveLength(2)
})

test('reconnects with the same page id and keeps its view meanwhile', () => {
  connect()
  server.last.end()

  expect(socket.connection.value.kind).toBe('reconnecting')
  expect(socket.view.value).not.toBeNull()

  vi.advanceTimersByTime(300)
  server.last.accept()
  expect(server.last.sent[0]).toEqual({ type: 'hello', page_id: socket.pageId })
})

test('waits longer after each failure, up to five seconds, and afresh after success', () => {
  socket.connect()
  const waits: number[] = []
  for (let attempt = 0; attempt < 7; attempt += 1) {
    const made = server.sockets.length
    server.last.end()
    let waited = 0
    while (server.sockets.length === made) {
      vi.advanceTimersByTime(100)
      waited += 100
    }
    waits.push(waited)
  }
  expect(waits).toEqual([300, 600, 1_200, 2_400, 4_800, 5_000, 5_000])

  goLive()
  server.last.end()
  vi.advanceTimersByTime(300)
  expect(server.sockets).toHaveLength(9)
})

test('a command without a result is sent again after a reconnect, with the same id', async () => {
  connect()
  const done = socket.command({ type: 'start' })
  const [first] = server.last.sentOf('command')
  server.last.end()
  vi.advanceTimersByTime(300)
  goLive()

  const [again] = server.last.sentOf('command')
  expect(again).toEqual(first)
  server.last.receive({ type: 'result', id: again?.id ?? '', problem: null })
  await done

  server.last.end()
  vi.advanceTimersByTime(300)
  goLive()
  expect(server.last.sentOf('command')).toEqual([])
})

test('a command given while the link is down goes out when it is up', () => {
  connect()
  server.last.end()
  void socket.command({ type: 'mute', site: '48' })
  vi.advanceTimersByTime(300)
  server.last.accept()
  expect(server.last.sentOf('command')).toEqual([])

  server.last.receive(hello)

  expect(server.last.sentOf('command').map(({ command }) => command)).toEqual([
    { type: 'mute', site: '48' },
  ])
})

test('a refused command rejects with its code', async () => {
  connect()
  const refused = socket.command({ type: 'start' }).catch((error: unknown) => error)
  const id = server.last.sentOf('command')[0]?.id ?? ''
  const problem = { code: 'wrong_phase', detail: 'live', params: { phase: 'live' } }
  server.last.receive({ type: 'result', id, problem })

  const error = await refused
  expect(error).toBeInstanceOf(Refusal)
  expect((error as Refusal).code).toBe('wrong_phase')
  expect((error as Refusal).params).toEqual({ phase: 'live' })
})

test('beats every two seconds once live', () => {
  connect()
  vi.advanceTimersByTime(2_000)
  server.last.receive({ type: 'heartbeat_ack', n: 1 })
  vi.advanceTimersByTime(2_000)
  expect(server.last.sentOf('heartbeat').map(({ n }) => n)).toEqual([1, 2])
})

test('a link without any frame for six seconds is dead', () => {
  connect()
  const dead = server.last
  vi.advanceTimersByTime(SILENCE_MS)
  expect(socket.connection.value.kind).toBe('live')

  vi.advanceTimersByTime(2_000)

  expect(socket.connection.value.kind).toBe('reconnecting')
  expect(dead.closed).toBe(true)
})

test('figures keep a link alive and are held apart from the view', () => {
  connect()
  const { view } = socket
  const before = view.value
  for (let second = 0; second < 10; second += 1) {
    vi.advanceTimersByTime(1_000)
    server.last.receive(figures({ '48': siteFigures({ state: 'poor' }) }))
  }
  expect(socket.connection.value.kind).toBe('live')
  expect(socket.received.value?.figures.sites['48']?.state).toBe('poor')
  expect(view.value).toBe(before)
})

test.each(['replaced', 'seat_taken', 'unauthenticated', 'not_found'] as const)(
  '%s is final: it is told and not tried again',
  async (code) => {
    connect()
    const waiting = socket.command({ type: 'start' }).catch((error: unknown) => error)
    server.last.end(4400, code)

    expect(socket.connection.value).toEqual({ kind: 'refused', code })
    expect(((await waiting) as Refusal).code).toBe(code)
    vi.advanceTimersByTime(60_000)
    expect(server.sockets).toHaveLength(1)
  },
)

test('a close number alone says the same as its reason', () => {
  connect()
  server.last.end(4410)
  expect(socket.connection.value).toEqual({ kind: 'refused', code: 'replaced' })
})

test.each(['slow_reader', 'shutting_down', 'internal', 'some_newer_code'])(
  '%s is tried again',
  (reason) => {
    connect()
    server.last.end(4408, reason)
    expect(socket.connection.value.kind).toBe('reconnecting')
  },
)

test('what is watched is sent once, and again on each new link', () => {
  connect()
  socket.watch(['00', '48'])
  socket.watch(['00', '48'])
  expect(server.last.sentOf('watch')).toEqual([{ type: 'watch', sites: ['00', '48'] }])

  server.last.end()
  vi.advanceTimersByTime(300)
  goLive()
  expect(server.last.sentOf('watch')).toEqual([{ type: 'watch', sites: ['00', '48'] }])
})

test('hurry cuts the wait short', () => {
  connect()
  server.last.end()
  socket.hurry()
  expect(server.sockets).toHaveLength(2)
  socket.hurry()
  expect(server.sockets).toHaveLength(2)
})

test('a session that the bridge closed is passed on', () => {
  const closed: string[] = []
  socket.onSessionClosed = ({ session }) => closed.push(session)
  connect()
  server.last.receive({ type: 'session_closed', session: 's-1', reason: 'replaced' })
  expect(closed).toEqual(['s-1'])
})

test('pictures that rest are known until they come back, or the link is a new one', () => {
  connect()
  goLive()
  server.last.receive({ type: 'thin', paused: ['stage:2'] })
  expect([...socket.paused.value]).toEqual(['stage:2'])
  server.last.receive({ type: 'thin', paused: [] })
  expect(socket.paused.value.size).toBe(0)

  server.last.receive({ type: 'thin', paused: ['stage:1'] })
  server.last.end()
  vi.advanceTimersByTime(300)
  goLive()
  expect(socket.paused.value.size).toBe(0)
})
