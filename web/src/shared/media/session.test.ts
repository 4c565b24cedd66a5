import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { FakeDoors, FakePeers, settle } from '../../../test/peer'
import { Receiver } from './receive'
import { CONNECT_MS, DISCONNECTED_MS, type Door } from './session'

const codecs = ['video/VP8', 'video/rtx', 'video/H264', 'video/AV1'].map((mimeType) => ({
  mimeType,
  clockRate: 90_000,
}))

let peers: FakePeers
let doors: FakeDoors
let door: Door | null

beforeEach(() => {
  vi.useFakeTimers()
  peers = new FakePeers()
  doors = new FakeDoors()
  door = { url: '/whep', token: 'token-1', iceServers: [], codec: 'VP8' }
})

afterEach(() => {
  vi.useRealTimers()
})

function receiver(slots = 'stage:2,floor:1'): Receiver {
  return new Receiver({
    door: () => door,
    slots,
    createPeer: peers.create,
    fetch: doors.fetch,
    random: () => 1,
    videoCodecs: () => codecs,
  })
}

async function connected(slots?: string): Promise<Receiver> {
  const receiving = receiver(slots)
  receiving.session.start()
  await settle()
  peers.last.become('connected')
  return receiving
}

describe('receiving', () => {
  test('offers one receive section per slot, in the order of the slots', async () => {
    const receiving = receiver()
    receiving.session.start()
    await settle()

    expect(peers.last.transceivers.map(({ kind, direction }) => [kind, direction])).toEqual([
      ['video', 'recvonly'],
      ['video', 'recvonly'],
      ['audio', 'recvonly'],
    ])
    const [post] = doors.of('POST')
    expect(post?.url).toBe('/whep?slots=stage:2,floor:1')
    expect(post?.headers).toEqual({
      'Content-Type': 'application/sdp',
      Authorization: 'Bearer token-1',
    })
    expect(post?.body).toBe('offer of 3')
    expect(peers.last.answer).toBe('answer')
    expect(receiving.session.state.value).toEqual({ kind: 'connecting' })
  })

  test('takes pictures in VP8 only', async () => {
    await connected()
    const mimeTypes = peers.last.transceivers.map(({ codecs }) => codecs?.map((c) => c.mimeType))
    expect(mimeTypes).toEqual([['video/VP8', 'video/rtx'], ['video/VP8', 'video/rtx'], undefined])
  })

  test('names its streams by slot once it is connected', async () => {
    const receiving = receiver()
    receiving.session.start()
    await settle()
    expect(receiving.streams.value.size).toBe(0)

    peers.last.become('connected')

    expect([...receiving.streams.value.keys()]).toEqual(['stage:1', 'stage:2', 'floor:1'])
    expect(receiving.session.state.value).toEqual({ kind: 'connected' })
  })
})

describe('a session that breaks', () => {
  test('failed ICE opens a new one; the old picture stays until then', async () => {
    const receiving = await connected()
    const [old] = peers.made
    const shown = receiving.streams.value
    old?.become('failed')
    await settle()

    expect(peers.made).toHaveLength(2)
    expect(receiving.session.state.value.kind).toBe('retrying')
    expect(receiving.streams.value).toBe(shown)
    expect(old?.closed).toBe(false)

    peers.last.become('connected')

    expect(receiving.streams.value).not.toBe(shown)
    expect(old?.closed).toBe(true)
    expect(doors.of('DELETE').map(({ url }) => new URL(url).pathname)).toEqual([
      '/whep/node-1/session-1',
    ])
  })

  test('disconnected has three seconds to come back by itself', async () => {
    await connected()
    peers.last.become('disconnected')
    vi.advanceTimersByTime(DISCONNECTED_MS - 1)
    peers.last.become('connected')
    vi.advanceTimersByTime(DISCONNECTED_MS)
    expect(peers.made).toHaveLength(1)

    peers.last.become('disconnected')
    vi.advanceTimersByTime(DISCONNECTED_MS)
    expect(peers.made).toHaveLength(2)
  })

  test('one that the bridge closed is opened anew; another’s is not', async () => {
    const { session } = await connected()
    expect(session.closedByBridge('session-99')).toBe(false)
    expect(peers.made).toHaveLength(1)

    expect(session.closedByBridge('session-1')).toBe(true)
    expect(peers.made).toHaveLength(2)
    expect(session.state.value.kind).toBe('retrying')
    await settle()
    peers.last.become('connected')
    expect(doors.of('DELETE')).toEqual([])
  })

  test('a refused offer is tried again, later each time, with the newest token', async () => {
    doors.refusal = { status: 503, code: 'no_bridge' }
    const { session } = receiver()
    session.start()
    await settle()
    expect(session.state.value).toEqual({ kind: 'retrying', failure: 'no_bridge' })
    expect(peers.last.closed).toBe(true)

    door = { url: '/whep', token: 'token-2', iceServers: [], codec: 'VP8' }
    await vi.advanceTimersByTimeAsync(300)
    expect(doors.of('POST')).toHaveLength(2)
    expect(doors.of('POST')[1]?.headers.Authorization).toBe('Bearer token-2')
    await vi.advanceTimersByTimeAsync(599)
    expect(doors.of('POST')).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(1)
    expect(doors.of('POST')).toHaveLength(3)

    doors.refusal = null
    await vi.advanceTimersByTimeAsync(1_200)
    peers.last.become('connected')
    expect(session.state.value).toEqual({ kind: 'connected' })
  })

  test('one that never connects is given up, on the bridge too', async () => {
    const { session } = receiver()
    session.start()
    await settle()
    vi.advanceTimersByTime(CONNECT_MS)

    expect(session.state.value).toEqual({ kind: 'retrying', failure: 'bridge_timeout' })
    expect(doors.of('DELETE')).toHaveLength(1)
  })

  test('without a door it waits for one', async () => {
    door = null
    const { session } = receiver()
    session.start()
    await settle()
    expect(peers.made).toHaveLength(0)

    door = { url: '/whep', token: 'token-1', iceServers: [], codec: 'VP8' }
    await vi.advanceTimersByTimeAsync(300)
    expect(peers.made).toHaveLength(1)
  })
})

describe('ending', () => {
  test('deletes the session so that the request outlives the page', async () => {
    const { session } = await connected()
    session.stop()

    expect(peers.last.closed).toBe(true)
    expect(doors.of('DELETE')[0]).toMatchObject({
      headers: { Authorization: 'Bearer token-1' },
      keepalive: true,
    })
    vi.advanceTimersByTime(60_000)
    expect(peers.made).toHaveLength(1)
    expect(session.state.value).toEqual({ kind: 'idle' })
  })

  test('an answer that comes after the end opens nothing and is deleted', async () => {
    const { session } = receiver()
    session.start()
    session.stop()
    await settle()
    expect(peers.last.answer).toBeNull()
    expect(doors.of('DELETE')).toHaveLength(doors.of('POST').length)
  })
})
