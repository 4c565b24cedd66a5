import { signal } from '@preact/signals'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { accessibilityFaults, byTestId, click, frames, hide, show } from '../../test/page'
import {
  conferenceRow,
  figures,
  rowsOf,
  seatRow,
  siteDevices,
  siteFigures,
  snapshot,
} from '../../test/rows'
import { FakeServer } from '../../test/socket'
import { Rest } from '../shared/client/rest'
import { language } from '../shared/i18n'
import { TechnicianPage } from './page'
import { Watch } from './watch'

const now = signal(0)
const HISTORY = {
  step_s: 5,
  from: 1_590_713_100,
  points: [0, 5, 10].map((seconds) => ({
    at: 1_590_713_100 + seconds,
    state: seconds < 10 ? 'good' : 'poor',
    control: 'good',
    rtt_s: 0.04 + seconds / 100,
    loss_ratio: 0,
    jitter_s: null,
    bitrate_bps: 500_000,
    receive_loss_ratio: null,
    quality: 1,
    freeze_ratio: null,
  })),
}
let asked: string[] = []
let server: FakeServer
let watch: Watch

beforeEach(() => {
  now.value = 1_590_714_000
  server = new FakeServer()
  const rest = new Rest((url) => {
    asked.push(url)
    return Promise.resolve(Response.json(url.endsWith('/devices') ? siteDevices() : HISTORY))
  })
  asked = []
  watch = new Watch({ url: 'ws://x', open: server.open, now: () => now.value * 1000 }, now, rest)
  watch.open()
  server.last.accept()
  const seats = [seatRow('01'), seatRow('48'), seatRow('79', { present: false })]
  server.last.receive(snapshot(rowsOf(conferenceRow(), seats), { role: 'technician' }))
  server.last.receive(
    figures({
      '01': siteFigures(),
      '48': siteFigures({ state: 'lost', control_age_s: 20, consent_age_s: 20, media_age_s: 20 }),
      '79': siteFigures({ state: 'offline', control_age_s: null }),
    }),
  )
})

afterEach(() => {
  hide()
  watch.socket.close()
  language.value = 'vi'
})

function order(): (string | undefined)[] {
  return [...document.querySelectorAll<HTMLElement>('.site')].map((site) => site.dataset.site)
}

test.each(['vi', 'en'] as const)('reads well to a screen reader, in %s', async (chosen) => {
  language.value = chosen
  await show(<TechnicianPage watch={watch} />)
  document.querySelector<HTMLElement>('.site button')?.click()
  await frames()
  expect(await accessibilityFaults()).toEqual([])
})

test('shows the worst first, and counts', async () => {
  await show(<TechnicianPage watch={watch} />)
  expect(order()).toEqual(['48', '79', '01'])
  expect(document.querySelector('[data-count="lost"]')?.textContent).toContain('1')
  await click('sort-code')
  expect(order()).toEqual(['01', '48', '79'])
})

test('a chosen site says what to do', async () => {
  await show(<TechnicianPage watch={watch} />)
  document.querySelector<HTMLElement>('[data-site="48"] button')?.click()
  await frames()
  expect(byTestId('advice').textContent).toContain('Mất hẳn liên lạc')
  expect(byTestId('detail-state').textContent).toContain('Mất kết nối')
})

test('figures that stop coming are shouted about, and greyed', async () => {
  const root = await show(<TechnicianPage watch={watch} />)
  now.value += 2
  await frames()
  expect(root.querySelector('[data-testid="stale"]')).toBeNull()

  now.value += 2
  await frames()

  expect(byTestId('stale').textContent).toContain('SỐ LIỆU ĐÃ CŨ 4 GIÂY')
  expect(root.querySelector<HTMLElement>('.watch')?.dataset.stale).toBe('true')

  server.last.receive(figures({ '01': siteFigures() }))
  await frames()
  expect(root.querySelector('[data-testid="stale"]')).toBeNull()
})

test('no bridge node at all is an alarm', async () => {
  server.last.receive({ ...figures({}), nodes: {} })
  await show(<TechnicianPage watch={watch} />)
  expect(byTestId('nodes').getAttribute('role')).toBe('alert')
  server.last.receive({ ...figures({}), nodes: { 'node-1': 200, 'node-2': 1 } })
  await frames()
  expect(byTestId('nodes').getAttribute('role')).toBe('alert')
  expect(byTestId('nodes').textContent).toContain('node-1 ngừng báo số liệu từ 3 phút trước')
  expect(byTestId('nodes').textContent).not.toContain('node-2')
})

function put(site: string, changes: Parameters<typeof seatRow>[1]): void {
  const seq = (watch.socket.view.value?.seq ?? 0) + 1
  const rows = { [`seat/${site}`]: seatRow(site, changes) }
  server.last.receive({ type: 'patch', seq, put: rows, drop: [] })
}

async function choose(site: string): Promise<void> {
  document.querySelector<HTMLElement>(`.site[data-site="${site}"] button`)?.click()
  await frames()
}

const commands = () => server.last.sentOf('command').map(({ command }) => command)

test('a call for help stands before everything, and is answered there', async () => {
  put('01', { help_since: 1_590_713_990 })
  await show(<TechnicianPage watch={watch} />)
  expect(order()[0]).toBe('01')
  expect(document.querySelector<HTMLElement>('.site')?.dataset.help).toBe('true')
  await choose('01')
  expect(await accessibilityFaults()).toEqual([])
  await click('clear-help')
  expect(commands()).toEqual([{ type: 'clear_help', site: '01' }])
})

test('a standby device is promoted after a question', async () => {
  put('01', { standby: true })
  await show(<TechnicianPage watch={watch} />)
  await choose('01')
  await click('promote')
  expect(commands()).toEqual([])
  await click('confirm')
  expect(commands()).toEqual([{ type: 'promote', site: '01' }])
})

test('a refused command is told', async () => {
  put('01', { help_since: 1_590_713_990 })
  await show(<TechnicianPage watch={watch} />)
  await choose('01')
  await click('clear-help')
  const id = server.last.sentOf('command')[0]?.id ?? ''
  const problem = { code: 'forbidden', detail: '', params: {} }
  server.last.receive({ type: 'result', id, problem })
  await frames()
  expect(document.querySelector('[data-error="forbidden"]')).not.toBeNull()
})

test('who only looks on has no buttons, and asks for no history', async () => {
  const seats = [seatRow('01', { help_since: 5, standby: true })]
  server.last.receive(snapshot(rowsOf(conferenceRow(), seats), { role: 'secretary' }))
  await show(<TechnicianPage watch={watch} />)
  await choose('01')
  expect(byTestId('help-call').textContent).toContain('Cần hỗ trợ')
  expect(document.querySelector('[data-testid="clear-help"]')).toBeNull()
  expect(document.querySelector('[data-testid="promote"]')).toBeNull()
  expect(asked).toEqual([])
})

test('lost control is told apart from lost media', async () => {
  server.last.receive(
    figures({ '01': siteFigures({ control: 'lost' }), '48': siteFigures({ state: 'lost' }) }),
  )
  await show(<TechnicianPage watch={watch} />)
  const site = document.querySelector<HTMLElement>('.site[data-site="01"]')
  expect(site?.dataset).toMatchObject({ state: 'good', control: 'lost' })
  expect(site?.textContent).toContain('Mất điều khiển')
  await choose('01')
  expect(byTestId('control-lost').textContent).toContain('hình tiếng vẫn tốt')
  expect(byTestId('advice').textContent).toContain('F5')
})

test('a suspected node is named before any site is blamed', async () => {
  await show(<TechnicianPage watch={watch} />)
  expect(document.querySelector('[data-testid="suspects"]')).toBeNull()
  server.last.receive({ ...figures({ '01': siteFigures() }), suspects: ['node-1'] })
  await frames()
  expect(byTestId('suspects').textContent).toContain('node-1')
  expect(await accessibilityFaults()).toEqual([])
})

test('players that are without their mix are pointed out', async () => {
  await show(<TechnicianPage watch={watch} />)
  const told = figures({ '01': siteFigures() })
  for (const missing of [false, true]) {
    server.last.receive({ ...told, mixes: { wanted: 3, flowing: 1, missing } })
    await frames()
    expect(document.querySelector('[data-testid="mix-short"]') !== null).toBe(missing)
  }
  expect(byTestId('mix-short').title).toContain('Thiếu 2 luồng')
  expect(await accessibilityFaults()).toEqual([])
})

test('the chosen site’s quarter of an hour is drawn', async () => {
  await show(<TechnicianPage watch={watch} />)
  await choose('48')
  expect(asked).toEqual(['/api/conferences/c1/sites/48/history'])
  expect(byTestId('history').dataset.points).toBe('3')
  const tones = [...document.querySelectorAll('.strip rect')].map((bar) =>
    bar.getAttribute('data-tone'),
  )
  expect(tones).toEqual(['good', 'poor'])
  expect(byTestId('history').textContent).toContain('140 ms')
})

test('what a hardware site needs is asked for when it is wanted', async () => {
  await show(<TechnicianPage watch={watch} />)
  await choose('48')
  expect(asked.filter((url) => url.endsWith('/devices'))).toEqual([])
  await click('hardware-open')
  expect(asked).toContain('/api/conferences/c1/links/48/devices')
  expect(byTestId('hardware-view').textContent).toContain('eyJ.publish')
  expect(await accessibilityFaults()).toEqual([])
})

test('an encoder with another codec is named, with what to do', async () => {
  server.last.receive(
    figures({
      '01': siteFigures({ state: 'lost' }),
      '48': siteFigures({ state: 'offline', other_codec: 'h264, opus' }),
    }),
  )
  await show(<TechnicianPage watch={watch} />)
  const site = document.querySelector<HTMLElement>('.site[data-site="48"]')
  expect(site?.textContent).toContain('Sai chuẩn nén hình')
  expect(order()[0]).toBe('48')
  await choose('48')
  expect(byTestId('advice').textContent).toContain('đổi chuẩn nén hình')
  expect(document.querySelector('.detail-figures')?.textContent).toContain(
    'thiết bị gửi h264, opus, hội nghị dùng VP8',
  )
  expect(await accessibilityFaults()).toEqual([])
})

test('whose microphone works, who speaks, and who is too loud can be seen', async () => {
  const site = (code: string) => document.querySelector<HTMLElement>(`.site[data-site="${code}"]`)
  put('01', { heard_at: 1_590_713_900, muted_by_operator: true })
  put('48', { muted_by_operator: false })
  await show(<TechnicianPage watch={watch} />)
  expect(byTestId('mics-heard').textContent).toContain('1')
  expect(site('01')?.dataset.micHeard).toBe('true')
  expect(site('01')?.textContent).toContain('Micro đã nghe thấy')
  server.last.receive(
    figures({
      '01': siteFigures({ mic_level_dbov: -33, mic_heard: true }),
      '48': siteFigures({ mic_level_dbov: -1, mic_heard: true, mic_clipping_ratio: 0.3 }),
    }),
  )
  await frames()
  expect(site('01')?.dataset).toMatchObject({ voice: 'muted', clips: 'false' })
  expect(site('01')?.textContent).toContain('Đang nói nhưng micro đang tắt')
  expect(site('01')?.querySelector<HTMLElement>('.voice-bar')?.dataset.level).toBe('50')
  expect(site('48')?.dataset.clips).toBe('true')
  await choose('48')
  expect(byTestId('advice').textContent).toContain('giảm mức thu')
  expect(await accessibilityFaults()).toEqual([])
})
