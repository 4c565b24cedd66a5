import { signal } from '@preact/signals'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { accessibilityFaults, byTestId, click, frames, hide, show } from '../../test/page'
import { FakeRoom } from '../../test/room'
import {
  conferenceRow,
  figures,
  floorRow,
  seatRow,
  siteFigures,
  slidesRow,
  stageRow,
} from '../../test/rows'
import { language, t } from '../shared/i18n'
import { SitePage } from './page'

let room: FakeRoom

beforeEach(() => {
  room = new FakeRoom()
})

afterEach(() => {
  hide()
  room.attendance.close()
  language.value = 'vi'
})

async function open(): Promise<HTMLElement> {
  return show(<SitePage attendance={room.attendance} now={signal(1_590_714_065)} />)
}

/** Through the two taps, to where the server decides. */
async function walkIn(): Promise<void> {
  await open()
  await room.attendance.open()
  await frames()
  await click('enter')
  await click('join')
}

test.each(['vi', 'en'] as const)('every screen reads well, in %s', async (chosen) => {
  language.value = chosen
  await open()
  const { attendance } = room
  const screens = [
    { kind: 'enter' },
    { kind: 'no_link' },
    { kind: 'return' },
    { kind: 'devices' },
    { kind: 'left' },
    { kind: 'ended' },
    { kind: 'replaced' },
    { kind: 'taken' },
    { kind: 'standby' },
    { kind: 'taken_over' },
    { kind: 'refused', code: 'not_found' },
  ] as const
  for (const screen of screens) {
    attendance.screen.value = screen
    await frames()
    expect(document.querySelector('h1')?.textContent, screen.kind).not.toBe('')
    expect(await accessibilityFaults(), screen.kind).toEqual([])
  }
})

test('from the link to the room in two taps', async () => {
  await open()
  await room.attendance.open()
  await frames()
  await click('enter')
  expect(byTestId('devices').textContent).toContain('thành phố Đà Nẵng')
  expect(byTestId('join').textContent).toBe(t.value.site.devices.join)
  await click('join')
  room.letIn()
  await frames()
  expect(byTestId('program').dataset.sites).toBe('00')
  expect(byTestId('room').dataset.tally).toBe('listening')
  expect(byTestId('heard').textContent).toBe('Tỉnh 00')
  expect(await accessibilityFaults()).toEqual([])
})

test('a refused camera is explained, and the room may join without it', async () => {
  room.devices.refusals = { video: 'NotAllowedError' }
  await open()
  await room.attendance.open()
  await frames()
  await click('enter')
  expect(document.querySelector('[data-problem]')?.textContent).toContain('Cho phép')
  expect(byTestId('join').textContent).toBe(t.value.site.devices.joinWithoutCamera)
  expect(await accessibilityFaults()).toEqual([])
})

test('when both are blocked it is said once', async () => {
  room.devices.refusals = { video: 'NotAllowedError', audio: 'NotAllowedError' }
  await open()
  await room.attendance.open()
  await frames()
  await click('enter')
  expect(document.querySelectorAll('[data-problem]')).toHaveLength(1)
  expect(byTestId('join').textContent).toBe(t.value.site.devices.joinReceiveOnly)
})

test('before the start the room waits, with its own picture and the hour', async () => {
  await room.join({}, conferenceRow({ phase: 'scheduled' }))
  await open()
  expect(byTestId('waiting').textContent).toContain('08:00')
  expect(byTestId('self')).not.toBeNull()
  expect(document.querySelector('[data-testid="tally"]')).toBeNull()
  expect(await accessibilityFaults()).toEqual([])
})

test('on air is said in words and on the room', async () => {
  await room.join()
  await open()
  room.put({ 'seat/48': seatRow('48', { tally: 'on_air' }), stage: stageRow('00', '01') })
  await frames()
  expect(byTestId('tally').textContent).toContain('ĐANG LÊN SÓNG')
  expect(byTestId('room').dataset.tally).toBe('on_air')
  const slots = [...byTestId('program').querySelectorAll('video')].map((v) => v.dataset.slot)
  expect(slots).toEqual(['stage:1', 'stage:2'])
})

test('slides are the first picture, and who speaks stands beside them', async () => {
  await room.join()
  await open()
  room.put({ stage: slidesRow('01', '00') })
  await frames()
  const program = byTestId('program')
  expect(program.dataset.slides).toBe('01')
  const cells = [...program.querySelectorAll<HTMLElement>('[data-cell]')].map((cell) => [
    cell.dataset.cell,
    cell.querySelector('video')?.dataset.slot,
  ])
  expect(cells).toEqual([
    ['slides', 'stage:1'],
    ['01', 'stage:2'],
    ['00', 'stage:3'],
  ])
  expect(byTestId('seen').textContent).toContain(t.value.site.slides.of('Tỉnh 01'))
  expect(await accessibilityFaults()).toEqual([])
})

test('a line with room for sound only is told, with what to do', async () => {
  await room.join()
  for (const peer of room.peers.made) peer.become('connected')
  await open()
  room.put({ stage: stageRow('00', '01') })
  room.server.last.receive({ type: 'thin', paused: ['stage:2'] })
  await frames()
  const notes = () => document.querySelectorAll('.paused-note').length
  expect(notes()).toBe(1)
  expect(document.querySelector('[data-testid="sound-only"]')).toBeNull()
  room.server.last.receive({ type: 'thin', paused: ['stage:1', 'stage:2'] })
  await frames()
  expect(byTestId('sound-only').textContent).toContain(t.value.media.soundOnlyHint)
  expect(await accessibilityFaults()).toEqual([])
  room.server.last.receive({ type: 'thin', paused: [] })
  await frames()
  expect(notes()).toBe(0)
})

test('sharing a screen says whether it is on air', async () => {
  await room.join()
  await open()
  await click('share')
  expect(byTestId('share').dataset.share).toBe('on')
  expect(byTestId('share-state').textContent).toBe(t.value.site.slides.waiting)
  room.put({
    conference: conferenceRow({ program: { layout: 'single', seats: ['48'], slides: '48' } }),
  })
  await frames()
  expect(byTestId('share').dataset.onAir).toBe('true')
  expect(byTestId('share-state').textContent).toBe(t.value.site.slides.onAir)
})

test('a machine that cannot share says why, until it is read', async () => {
  room.screens.refusal = new DOMException('by system', 'NotAllowedError')
  await room.join()
  await open()
  await click('share')
  expect(document.querySelector('[data-share-problem="blocked"]')).not.toBeNull()
  expect(await accessibilityFaults()).toEqual([])
  await click('share-problem-close')
  expect(document.querySelector('[data-share-problem]')).toBeNull()
})

test('the microphone tells its three states apart', async () => {
  await room.join()
  await open()
  const states = [
    [{ muted_by_operator: false, muted_by_site: false, floor: true }, 'open', 'open'],
    [{ muted_by_operator: false, muted_by_site: true }, 'muted_by_site', 'muted_by_site'],
    [{ muted_by_operator: true, muted_by_site: false }, 'muted_by_operator', 'muted_by_operator'],
  ] as const
  for (const [flags, state, text] of states) {
    room.put({ 'seat/48': seatRow('48', flags) })
    await frames()
    const microphone = byTestId('microphone')
    expect(microphone.dataset.mic).toBe(state)
    expect(microphone.textContent).toContain(t.value.site.mic[text])
  }
})

test('without a microphone there is nothing to turn on', async () => {
  room.devices.refusals = { audio: 'NotFoundError' }
  await room.join()
  await open()
  expect(byTestId('microphone').dataset.mic).toBe('missing')
  expect(byTestId('mute').hasAttribute('disabled')).toBe(true)
})

test('the button turns the room’s own microphone off', async () => {
  await room.join({ muted_by_operator: false })
  await open()
  await click('mute', byTestId('microphone'))
  expect(room.commands).toEqual([{ type: 'mute', site: '48' }])
  expect(byTestId('microphone').dataset.mic).toBe('muted_by_site')
})

test('blocked sound gets a large button', async () => {
  await room.join()
  await open()
  room.attendance.sound.blocked.value = true
  await frames()
  expect(await accessibilityFaults()).toEqual([])
  await click('sound')
  expect(room.attendance.sound.blocked.value).toBe(false)
})

test('leaving asks first', async () => {
  await room.join()
  await open()
  await click('leave')
  expect(room.commands).toEqual([])
  await click('confirm')
  expect(room.commands).toEqual([{ type: 'leave' }])
  expect(byTestId('left').textContent).toContain(t.value.site.leftBody)
})

test('after a mistaken end the room comes back by a tap, not by itself', async () => {
  await room.join()
  await open()
  room.put({ conference: conferenceRow({ phase: 'ended' }) })
  await frames()
  expect(document.querySelector('[data-testid="enter"]')).toBeNull()

  room.put({ conference: conferenceRow({ phase: 'live' }) })
  await frames()

  expect(room.devices.tracks.every((track) => track.stopped)).toBe(true)
  await click('enter')
  room.letIn()
  await frames()
  expect(byTestId('program')).not.toBeNull()
  expect(room.attendance.gear.opened.value.camera).not.toBeNull()
})

test('devices are changed from the room', async () => {
  await room.join()
  await open()
  await click('settings')
  expect(byTestId('select-camera').textContent).toContain('Camera phòng họp')
  expect(await accessibilityFaults()).toEqual([])
})

test('a lost server is shown while the room stands', async () => {
  await room.join()
  await open()
  room.server.last.end()
  await frames()
  expect(document.querySelector('[data-connection]')?.getAttribute('data-connection')).toBe(
    'reconnecting',
  )
  expect(byTestId('program')).not.toBeNull()
})

test('hand, place in the queue, call for help, and who speaks', async () => {
  await walkIn()
  room.letIn({ tally: 'next', hand_since: 1_590_714_000, position: 2, help_since: 1_590_714_060 })
  room.put({
    floor: {
      ...floorRow('01'),
      speaker: { site: '01', name: 'Hà Nội' },
      speaking_since: 1_590_714_000,
    },
  })
  await frames()
  expect(byTestId('hand').dataset.raised).toBe('true')
  expect(byTestId('position').dataset.position).toBe('2')
  expect(byTestId('help').dataset.asked).toBe('true')
  expect(byTestId('room').textContent).toContain('Đã gọi kỹ thuật viên lúc 08:01')
  expect(byTestId('speaker').textContent).toBe('Hà Nội 1:05')
  expect(byTestId('tally').textContent).toContain(t.value.site.nextHint)
  expect(await accessibilityFaults()).toEqual([])
  await click('hand')
  await click('help')
  expect(room.commands.map(({ type }) => type)).toEqual(['lower_hand', 'clear_help'])
})

test('before the rehearsal there is no floor to ask for, but help', async () => {
  await walkIn()
  room.letIn({}, conferenceRow({ phase: 'scheduled' }))
  await frames()
  expect(document.querySelector('[data-testid="hand"]')).toBeNull()
  expect(byTestId('help').dataset.asked).toBe('false')
})

test.each(['vi', 'en'] as const)('a browser inside an app is told apart, in %s', async (chosen) => {
  language.value = chosen
  await show(<SitePage attendance={room.attendance} now={signal(0)} inApp="Zalo" />)
  await room.attendance.open()
  await frames()
  expect(byTestId('in-app').textContent).toContain('Zalo')
  expect(byTestId('enter').textContent).toBe(t.value.site.enterAnyway)
  expect(await accessibilityFaults()).toEqual([])
  await click('copy-link')
  expect(byTestId('in-app').textContent).toMatch(/Chrome/)
})

test('who is given the floor with a shut microphone is told to open it', async () => {
  await walkIn()
  room.letIn({ tally: 'on_air', muted_by_operator: false, muted_by_site: true })
  const speaker = { site: '48', name: 'Đà Nẵng' }
  room.put({ floor: { ...floorRow(), speaker, speaking_since: 1_590_714_000 } })
  await frames()
  expect(byTestId('tally').textContent).toContain(t.value.site.floorHint)
  expect(byTestId('microphone').textContent).toContain(t.value.site.mic.floorShut)
})

test('before the start a site sees that its microphone has been heard', async () => {
  await walkIn()
  room.letIn({}, conferenceRow({ phase: 'scheduled' }))
  await frames()
  expect(document.querySelector('[data-testid="mic-proved"]')).toBeNull()
  room.put({ 'seat/48': seatRow('48', { heard_at: 1_590_713_000 }) })
  await frames()
  expect(byTestId('mic-proved').textContent).toBe(t.value.site.mic.proved)
  expect(await accessibilityFaults()).toEqual([])
})

test('of many open microphones one that is not carried says so', async () => {
  await walkIn()
  room.letIn({ muted_by_operator: false, muted_by_site: false, floor: true })
  const told = (position: number | null) =>
    room.server.last.receive(figures({ '48': siteFigures({ floor_position: position }) }))
  told(null)
  await frames()
  expect(byTestId('microphone').textContent).toContain(t.value.site.mic.open)
  room.put({ floor: floorRow('01', '02', '04', '06', '48') })
  await frames()
  expect(byTestId('microphone').textContent).toContain(t.value.site.mic.openFull)
  told(3)
  await frames()
  expect(byTestId('microphone').textContent).toContain(t.value.site.mic.open)
})
