import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { FakeDesk, SEATS } from '../../test/desk'
import { settle } from '../../test/peer'
import {
  conferenceRow,
  figures,
  floorRow,
  queueRow,
  rowsOf,
  seatRow,
  siteFigures,
  snapshot,
} from '../../test/rows'
import { sceneOf } from './scene'

let fake: FakeDesk

beforeEach(() => {
  vi.useFakeTimers()
  fake = new FakeDesk()
})

afterEach(() => {
  fake.desk.close()
  vi.useRealTimers()
})

test('one session receives everything, with a thumbnail per seat', async () => {
  await settle()
  expect(fake.doors.of('POST').map(({ url }) => url)).toEqual([
    '/whep?slots=stage:4,floor:4,preview:4,cue:1,thumb:4',
  ])
  expect(fake.server.last.sentOf('watch')).toEqual([
    { type: 'watch', sites: ['00', '01', '48', '79'] },
  ])
  expect(fake.desk.thumbOf('48')).toBe('thumb:3')
})

test('a new snapshot keeps the session and the thumbnails', async () => {
  await settle()
  fake.server.last.end()
  vi.advanceTimersByTime(1_000)
  fake.server.last.accept()
  fake.server.last.receive(snapshot(rowsOf(conferenceRow(), SEATS)))
  await settle()
  expect(fake.doors.of('POST')).toHaveLength(1)
  expect(fake.server.last.sentOf('watch')).toHaveLength(1)
})

test('a click prepares one site, shift-clicks build a grid', () => {
  fake.desk.preview('48')
  fake.put({ conference: conferenceRow({ preview: sceneOf(['48']) }) })
  fake.desk.toggleInPreview('01')
  expect(fake.commands).toEqual([
    { type: 'preview', scene: sceneOf(['48']) },
    { type: 'preview', scene: sceneOf(['48', '01']) },
  ])
  expect(fake.desk.selected.value).toBe('01')
})

test('a quick second click and a quick take build on what was asked, not on what came back', async () => {
  fake.desk.preview('48')
  fake.desk.toggleInPreview('01')
  fake.desk.take()
  const asked = sceneOf(['48', '01'])
  expect(fake.commands).toEqual([
    { type: 'preview', scene: sceneOf(['48']) },
    { type: 'preview', scene: asked },
    { type: 'take', scene: asked },
  ])
  fake.put({ conference: conferenceRow({ preview: sceneOf(['48']) }) })
  expect(fake.desk.prepared.scene.value).toEqual(asked)
  // from the answer on the server's word holds, whoever changed it
  await fake.answer()
  expect(fake.desk.prepared.scene.value).toEqual(sceneOf(['48']))
})

test('slides of a site that shares go into the preview, and out of it', async () => {
  fake.desk.toggleSlides('48')
  expect(fake.commands).toEqual([])
  fake.put({ 'seat/48': seatRow('48', { sharing: true }) })
  expect(fake.desk.sharing.value.map(({ site }) => site)).toEqual(['48'])
  fake.desk.toggleSlides('48')
  fake.put({ conference: conferenceRow({ preview: sceneOf(['48'], '48') }) })
  fake.desk.toggleSlides('48')
  await fake.answer()
  fake.put({ conference: conferenceRow({ preview: sceneOf(['01']) }) })
  fake.desk.toggleSlides('48', true)
  expect(fake.commands).toEqual([
    { type: 'preview', scene: sceneOf(['48'], '48') },
    { type: 'preview', scene: sceneOf(['48']) },
    { type: 'preview', scene: sceneOf(['01'], '48') },
  ])
})

test('slides that do not come are none, as the routes have it', () => {
  const scene = sceneOf(['01'], '48')
  for (const [seat, shown] of [
    [{ sharing: true }, '48'],
    [{ sharing: true, present: false }, undefined],
    [{ sharing: false }, undefined],
  ] as const) {
    fake.put({ 'seat/48': seatRow('48', seat) })
    expect(fake.desk.slidesOf(scene)?.site).toBe(shown)
  }
})

test('take names its picture', () => {
  fake.put({ conference: conferenceRow({ preview: sceneOf(['48']) }) })
  fake.desk.take()
  expect(fake.commands).toEqual([{ type: 'take', scene: sceneOf(['48']) }])
})

test('take says why it cannot, and then sends nothing', () => {
  const cases = [
    [conferenceRow(), 'takeNothing'],
    [conferenceRow({ phase: 'scheduled', preview: sceneOf(['48']) }), 'takeBeforeStart'],
    [conferenceRow({ preview: sceneOf(['00']) }), 'takeSame'],
  ] as const
  for (const [conference, reason] of cases) {
    fake.put({ conference })
    expect(fake.desk.takeBlocked()).toBe(reason)
    fake.desk.take()
  }
  expect(fake.commands).toEqual([])
})

test('the microphone key sets and lifts the operator’s mute', () => {
  fake.desk.toggleMic('48')
  fake.put({ 'seat/48': seatRow('48', { muted_by_operator: false }) })
  fake.desk.toggleMic('48')
  expect(fake.commands).toEqual([
    { type: 'unmute', site: '48' },
    { type: 'mute', site: '48' },
  ])
})

test('mute all spares the centre', () => {
  fake.put({ 'seat/48': seatRow('48', { muted_by_operator: false }) })
  fake.desk.muteAll()
  expect(fake.commands).toEqual([{ type: 'mute', site: '48' }])
})

test('a refused command is told', async () => {
  fake.desk.change('start')
  const id = fake.server.last.sentOf('command')[0]?.id ?? ''
  const problem = { code: 'wrong_phase', detail: '', params: {} }
  fake.server.last.receive({ type: 'result', id, problem })
  await settle()
  expect(fake.desk.notices.list.value.map(({ code }) => code)).toEqual(['wrong_phase'])
})

test('filters and search narrow the wall', () => {
  const shown = (): string[] => fake.desk.shown.value.map((seat) => seat.site)
  fake.server.last.receive(figures({ '48': siteFigures({ state: 'poor' }), '01': siteFigures() }))
  fake.desk.filter.value = 'trouble'
  expect(shown()).toEqual(['48'])
  fake.desk.filter.value = 'absent'
  expect(shown()).toEqual(['79'])
  fake.desk.filter.value = 'open'
  expect(shown()).toEqual(['00'])
  fake.desk.filter.value = 'all'
  fake.desk.query.value = 'ha n'
  expect(shown()).toEqual(['01'])
})

test('the bridge’s end of its session makes the desk receive anew', async () => {
  await settle()
  fake.peers.last.become('connected')
  fake.server.last.receive({ type: 'session_closed', session: 'session-1', reason: 'gone' })
  await settle()
  expect(fake.doors.of('POST')).toHaveLength(2)
})

test('the end stops receiving; taking it back receives again', async () => {
  await settle()
  fake.peers.last.become('connected')
  expect(fake.desk.receiver.value?.streams.value.size).toBe(17)

  fake.put({ conference: conferenceRow({ phase: 'ended' }) })
  await settle()
  expect(fake.doors.of('DELETE')).toHaveLength(1)
  expect(fake.desk.receiver.value?.streams.value.size).toBe(0)

  fake.put({ conference: conferenceRow({ phase: 'live' }) })
  await settle()
  expect(fake.doors.of('POST')).toHaveLength(2)
})

test('the queue is put in another order whole, and only within its ends', () => {
  fake.put({ queue: queueRow(['48', '01', '79']) })
  fake.desk.moveInQueue('01', -1)
  fake.desk.moveInQueue('48', -1)
  fake.desk.moveInQueue('79', 1)
  expect(fake.commands).toEqual([{ type: 'order_hands', sites: ['01', '48', '79'] }])
})

test('marking next is taken back by the same button', () => {
  fake.put({ queue: queueRow(['48']) })
  fake.desk.markNext('48')
  fake.put({ queue: queueRow(['48'], '48') })
  fake.desk.markNext('48')
  expect(fake.commands).toEqual([
    { type: 'mark_next', site: '48' },
    { type: 'mark_next', site: null },
  ])
})

test('a cue belongs to the selected site, and comes back with the link', () => {
  const cues = () => fake.server.last.sentOf('cue').map(({ site }) => site)
  fake.desk.selected.value = '48'
  fake.desk.toggleCue('48')
  expect(cues()).toEqual(['48'])
  fake.server.last.end()
  vi.advanceTimersByTime(1_000)
  fake.server.last.accept()
  fake.server.last.receive(snapshot(rowsOf(conferenceRow(), SEATS)))
  expect(cues()).toEqual(['48'])
  fake.desk.selected.value = '01'
  expect(cues()).toEqual(['48', null])
})

test('speaking time counts the speech that is going on', () => {
  const seat = seatRow('48', { spoken_s: 60 })
  expect(fake.desk.spokenS(seat, 1_000)).toBe(60)
  const speaker = { site: '48', name: 'Đà Nẵng' }
  fake.put({ floor: { ...floorRow('48'), speaker, speaking_since: 990 } })
  expect(fake.desk.spokenS(seat, 1_000)).toBe(70)
  expect(fake.desk.spokenS(seat, 900)).toBe(60)
})

test('calls for help stand in order of waiting, and count as trouble', () => {
  fake.put({
    'seat/01': seatRow('01', { help_since: 20 }),
    'seat/48': seatRow('48', { help_since: 10 }),
  })
  expect(fake.desk.helpCalls.value.map(({ site }) => site)).toEqual(['48', '01'])
  fake.desk.filter.value = 'trouble'
  expect(fake.desk.shown.value.map(({ site }) => site)).toEqual(['01', '48'])
})
