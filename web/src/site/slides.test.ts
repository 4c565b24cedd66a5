import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { settle } from '../../test/peer'
import { FakeRoom } from '../../test/room'
import { conferenceRow, floorRow, seatRow } from '../../test/rows'
import type { Problem } from '../shared/wire/types.gen'

let room: FakeRoom

beforeEach(() => {
  vi.useFakeTimers()
  room = new FakeRoom()
})

afterEach(() => {
  room.attendance.close()
  vi.useRealTimers()
})

describe('a shared screen', () => {
  const sent = () => room.peers.made[0]?.transceivers[2]?.sender.track ?? null

  async function share(): Promise<void> {
    room.attendance.toggleSlides()
    await settle()
  }

  function answer(problem: Problem | null = null): void {
    const id = room.server.last.sentOf('command').at(-1)?.id ?? ''
    room.server.last.receive({ type: 'result', id, problem })
  }

  test('is sent, and then the server is told', async () => {
    await room.join()
    await share()
    expect(sent()).toBe(room.screens.tracks[0])
    expect(room.commands).toEqual([{ type: 'share' }])
    room.put({ 'seat/48': seatRow('48', { sharing: true }) })
    answer()
    await settle()
    expect(room.commands).toHaveLength(1)
    expect(room.doors.of('POST')).toHaveLength(2)
  })

  test.each(['our button', 'the browser’s own bar'])('ends by %s', async (how) => {
    await room.join()
    await share()
    room.put({ 'seat/48': seatRow('48', { sharing: true }) })
    answer()
    await settle()
    if (how === 'our button') room.attendance.toggleSlides()
    else room.screens.tracks[0]?.end()
    expect(sent()).toBeNull()
    expect(room.commands.at(-1)).toEqual({ type: 'unshare' })
  })

  test('that ended before the server had heard of it is taken back', async () => {
    await room.join()
    await share()
    room.attendance.toggleSlides()
    room.put({ 'seat/48': seatRow('48', { sharing: true }) })
    expect(room.commands).toEqual([{ type: 'share' }, { type: 'unshare' }])
  })

  test('is on the record after a cut, and taken off it after a reload', async () => {
    await room.join()
    await share()
    room.put({ 'seat/48': seatRow('48', { sharing: true }) })
    answer()
    await settle()
    room.server.last.end()
    vi.advanceTimersByTime(1_000)
    room.letIn({ sharing: true })
    expect(room.commands).toEqual([])
    expect(sent()).not.toBeNull()

    room.attendance.close()
    room = new FakeRoom({ joinedBefore: true })
    await room.attendance.open()
    room.letIn({ sharing: true })
    expect(room.commands).toEqual([{ type: 'unshare' }])
  })

  test('is not told again when the server refuses it', async () => {
    await room.join()
    await share()
    answer({ code: 'forbidden', detail: '', params: {} })
    await settle()
    room.put({ floor: floorRow() })
    expect(room.commands).toEqual([{ type: 'share' }])
  })

  test('ends with the conference and with the seat', async () => {
    await room.join()
    await share()
    room.put({ conference: conferenceRow({ phase: 'ended' }) })
    expect(room.screens.tracks[0]?.stopped).toBe(true)
    room.attendance.close()
    room = new FakeRoom()
    await room.join()
    await share()
    room.server.last.end(4411, 'taken_over')
    expect(room.screens.tracks[0]?.stopped).toBe(true)
  })

  test('knows when it is on air', async () => {
    await room.join()
    await share()
    expect(room.attendance.slidesOnAir).toBe(false)
    room.put({
      conference: conferenceRow({ program: { layout: 'single', seats: ['00'], slides: '48' } }),
    })
    expect(room.attendance.slidesOnAir).toBe(true)
    room.attendance.toggleSlides()
    expect(room.attendance.slidesOnAir).toBe(false)
  })
})
