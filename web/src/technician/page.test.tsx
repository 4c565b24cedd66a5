import { signal } from '@preact/signals'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { accessibilityFaults, byTestId, click, frames, hide, show } from '../../test/page'
import { conferenceRow, figures, rowsOf, seatRow, siteFigures, snapshot } from '../../test/rows'
import { FakeServer } from '../../test/socket'
import { language } from '../shared/i18n'
import { TechnicianPage } from './page'
import { Watch } from './watch'

const now = signal(0)
let server: FakeServer
let watch: Watch

beforeEach(() => {
  now.value = 1_590_714_000
  server = new FakeServer()
  watch = new Watch({ url: 'ws://x', open: server.open, now: () => now.value * 1000 }, now)
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
})
