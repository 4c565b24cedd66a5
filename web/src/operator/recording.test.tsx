import { signal } from '@preact/signals'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FakeDesk } from '../../test/desk'
import { accessibilityFaults, byTestId, click, frames, hide, show } from '../../test/page'
import { Rest } from '../shared/client/rest'
import { language, t } from '../shared/i18n'
import { RecordedPill } from '../shared/ui/recorded'
import type { RecordingInfo, RecordingRow } from '../shared/wire/types.gen'
import { megabytes, RecButton, RecordingDialog } from './recording'

const row: RecordingRow = {
  row: 'recording',
  since: 1_590_714_000,
  state: 'recording',
  sites: ['48'],
  problem: null,
}
const stored: RecordingInfo = {
  recording: '1-program',
  number: 1,
  site: null,
  name: '',
  started_at: 1_590_714_000,
  ended_at: 1_590_715_000,
  running: false,
  seconds: 1000,
  octets: 250_000_000,
  segments: [
    {
      file: '0001.mkv',
      started_at: 1_590_714_000,
      seconds: 1000,
      octets: 250_000_000,
      ended_at: 1_590_715_000,
      sha256: 'ab',
      cut: true,
    },
  ],
}

let fake: FakeDesk
let asked: string[]
let list: RecordingInfo[]
const rest = new Rest((url, init) => {
  asked.push(`${init?.method ?? 'GET'} ${url}`)
  if (init?.method === 'DELETE') {
    list = []
    return Promise.resolve(new Response(null, { status: 204 }))
  }
  return Promise.resolve(Response.json(list))
})

beforeEach(() => {
  fake = new FakeDesk()
  asked = []
  list = [stored]
})

afterEach(() => {
  hide()
  fake.desk.close()
  language.value = 'vi'
})

const dialog = () =>
  show(<RecordingDialog desk={fake.desk} rest={rest} conference="c1" onClose={() => {}} />)

test('the button says what becomes of the recording, and why', async () => {
  await show(<RecButton desk={fake.desk} onOpen={() => {}} />)
  expect(byTestId('rec').dataset.recording).toBe('off')
  fake.put({ recording: row })
  await frames()
  expect(byTestId('rec').dataset.recording).toBe('recording')
  fake.put({ recording: { ...row, state: 'interrupted', problem: 'no_worker' } })
  await frames()
  expect(byTestId('rec').dataset.recording).toBe('interrupted')
  expect(byTestId('rec').title).toContain(t.value.recording.problems.no_worker)
})

test('it starts with the chosen sites and stops', async () => {
  await dialog()
  const boxes = document.querySelectorAll<HTMLInputElement>('.rec-grid input')
  expect(boxes.length).toBe(fake.desk.seats.value.length)
  boxes[1]?.click()
  await frames()
  await click('rec-start')
  const site = fake.desk.seats.value[1]?.site
  expect(fake.commands.at(-1)).toEqual({ type: 'start_recording', sites: [site] })
  fake.put({ recording: row })
  await frames()
  await click('rec-stop')
  expect(fake.commands.at(-1)).toEqual({ type: 'stop_recording' })
})

test('what was recorded can be fetched, and deleted after asking back', async () => {
  await dialog()
  await frames()
  const file = document.querySelector<HTMLAnchorElement>('.rec-list a')
  expect(file?.getAttribute('href')).toBe('/api/conferences/c1/recordings/1-program/0001.mkv')
  expect(document.querySelector('.rec-list')?.textContent).toContain('250 MB')
  await click('rec-delete')
  expect(asked.some((one) => one.startsWith('DELETE'))).toBe(false)
  await click('confirm')
  await frames()
  expect(asked).toContain('DELETE /api/conferences/c1/recordings/1-program')
  expect(document.querySelector('.rec-list article')).toBeNull()
})

test('a running recording cannot be deleted', async () => {
  list = [{ ...stored, running: true }]
  await dialog()
  await frames()
  expect(document.querySelector('[data-testid="rec-delete"]')).toBeNull()
})

test.each(['vi', 'en'] as const)('reads well to a screen reader, in %s', async (chosen) => {
  language.value = chosen
  fake.put({ recording: { ...row, problem: 'disk_low' } })
  await show(
    <main>
      <h1>x</h1>
      <RecButton desk={fake.desk} onOpen={() => {}} />
      <RecordedPill row={signal(row).value} />
      <RecordingDialog desk={fake.desk} rest={rest} conference="c1" onClose={() => {}} />
    </main>,
  )
  await frames()
  expect(await accessibilityFaults()).toEqual([])
})

test('whoever is recorded is told, and whether by itself', async () => {
  await show(<RecordedPill row={null} />)
  expect(document.querySelector('[data-testid="recorded"]')).toBeNull()
  await show(<RecordedPill row={{ ...row, sites: [] }} />)
  expect(byTestId('recorded').title).toBe(t.value.recording.told)
  await show(<RecordedPill row={row} />)
  expect(byTestId('recorded').title).toBe(t.value.recording.toldOwn)
})

test('sizes are written as people read them', () => {
  expect(megabytes(1_234_567, 'en')).toBe('1.2 MB')
  expect(megabytes(250_000_000, 'vi-VN')).toBe('250 MB')
})
