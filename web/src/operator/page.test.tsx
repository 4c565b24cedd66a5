import { signal } from '@preact/signals'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { tile } from '../../test/console'
import { FakeDesk } from '../../test/desk'
import { accessibilityFaults, byTestId, click, frames, hide, show } from '../../test/page'
import {
  conferenceRow,
  figures,
  floorRow,
  queueRow,
  rowsOf,
  seatRow,
  siteDevices,
  siteFigures,
  slidesRow,
} from '../../test/rows'
import { Rest } from '../shared/client/rest'
import { language } from '../shared/i18n'
import type { ConferenceSummary } from '../shared/wire/types.gen'
import { linksText } from './links'
import { OperatorPage } from './page'
import { sceneOf } from './scene'

const summary: ConferenceSummary = {
  conference: 'c1',
  title: 'Hội nghị thử',
  title_en: 'Test conference',
  phase: 'live',
  starts_at: 1_590_714_000,
  sites: 4,
}
const link = {
  site: '48',
  name: 'Đà Nẵng',
  url: 'http://h/c/c1/s/48/#t=x',
  expires_at: 1_590_800_000,
  code: '48-ABCDEFGH',
  revoked: false,
}
const templates = [{ template: 't', title: 'Mẫu', title_en: 'Template', sites: 64 }]
let asked: string[] = []
const answers: [string, unknown][] = [
  ['/links', [link]],
  ['/devices', siteDevices()],
  ['/rotate', { ...link, code: '48-NEWNEWNE' }],
  ['/revoke', { ...link, url: '', code: '', revoked: true }],
  ['/templates', templates],
]
const rest = new Rest((url, init) => {
  asked.push(`${init?.method ?? 'GET'} ${url}`)
  return Promise.resolve(Response.json(answers.find(([end]) => url.endsWith(end))?.[1] ?? null))
})

let fake: FakeDesk

beforeEach(() => {
  fake = new FakeDesk()
})

afterEach(() => {
  hide()
  fake.desk.close()
  language.value = 'vi'
})

async function open(): Promise<HTMLElement> {
  return show(
    <OperatorPage
      desk={fake.desk}
      rest={rest}
      now={signal(1_590_714_065)}
      conferences={[summary]}
      current="c1"
      go={() => {}}
    />,
  )
}

test.each(['vi', 'en'] as const)('reads well to a screen reader, in %s', async (chosen) => {
  language.value = chosen
  fake.put({ conference: conferenceRow({ preview: sceneOf(['48', '01']) }) })
  await open()
  expect(await accessibilityFaults()).toEqual([])
})

test('a tile tells state, tally and microphone', async () => {
  fake.put({ 'seat/00': seatRow('00', { tally: 'on_air' }) })
  await open()
  expect(tile('00').dataset).toMatchObject({ state: 'connecting', tally: 'on_air', mic: 'open' })
  expect(tile('48').dataset).toMatchObject({ tally: 'listening', mic: 'muted_by_operator' })
  expect(tile('79').dataset.state).toBe('offline')
  expect(tile('00').querySelector('.tile-main')?.getAttribute('aria-label')).toContain('Đang phát')
  expect(tile('48').querySelector('video')?.dataset.slot).toBe('thumb:3')
})

test('the monitors show the scenes, slot by slot', async () => {
  fake.put({ conference: conferenceRow({ preview: sceneOf(['48', '01']) }) })
  await open()
  expect(byTestId('program').dataset.sites).toBe('00')
  expect(byTestId('preview').dataset.sites).toBe('48 01')
  const slots = [...byTestId('preview').querySelectorAll('video')].map((v) => v.dataset.slot)
  expect(slots).toEqual(['preview:1', 'preview:2'])
})

test('shared screens are marked, and stand large in the monitors', async () => {
  fake.put({
    'seat/48': seatRow('48', { name: 'Đà Nẵng', sharing: true }),
    conference: conferenceRow({ preview: sceneOf(['48', '01'], '48') }),
    stage: slidesRow('48'),
  })
  await open()
  expect(tile('48').dataset.sharing).toBe('true')
  expect(tile('01').querySelector('.mark.sharing')).toBeNull()
  const slots = (id: string) =>
    [...byTestId(id).querySelectorAll('video')].map((video) => video.dataset.slot)
  expect(byTestId('preview').dataset.slides).toBe('48')
  expect(slots('preview')).toEqual(['preview:1', 'preview:2', 'preview:3'])
  expect(slots('program')).toEqual(['stage:1', 'stage:2'])
  expect(await accessibilityFaults()).toEqual([])
})

test('a press above the wall prepares shared slides; while they do not come it is said', async () => {
  fake.put({ 'seat/48': seatRow('48', { name: 'Đà Nẵng', sharing: true }) })
  await open()
  await click('shared-screen')
  expect(fake.commands).toEqual([{ type: 'preview', scene: sceneOf(['48'], '48') }])
  expect(byTestId('selected-slides').getAttribute('aria-pressed')).toBe('true')
  fake.put({
    'seat/48': seatRow('48', { name: 'Đà Nẵng', sharing: true, present: false }),
    conference: conferenceRow({ program: { layout: 'single', seats: ['48'], slides: '48' } }),
  })
  await frames()
  expect(byTestId('program').textContent).toContain('Trình chiếu của Đà Nẵng đang gián đoạn')
})

test('pictures that rest on a slow line are counted and marked', async () => {
  await open()
  fake.peers.last.become('connected')
  fake.server.last.receive({ type: 'thin', paused: ['thumb:3', 'preview:1'] })
  await frames()
  expect(tile('48').dataset.paused).toBe('true')
  expect(tile('01').dataset.paused).toBe('false')
  expect(document.querySelector('[data-receive]')?.textContent).toContain('(2)')
  expect(await accessibilityFaults()).toEqual([])
})

test('ending asks first', async () => {
  await open()
  await click('end')
  expect(fake.commands).toEqual([])
  expect(await accessibilityFaults()).toEqual([])
  await click('confirm')
  expect(fake.commands).toEqual([{ type: 'end' }])
  expect(document.querySelector('dialog')).toBeNull()
})

test('starting says who is missing, and asks', async () => {
  fake.put(rowsOf(conferenceRow({ phase: 'scheduled', started_at: null }), []))
  await open()
  await click('start')
  expect(document.querySelector('dialog')?.textContent).toContain('79 Thành phố Hồ Chí Minh')
  await click('confirm')
  expect(fake.commands).toEqual([{ type: 'start' }])
})

test.each([
  ['draft', ['schedule']],
  ['scheduled', ['rehearse', 'start']],
  ['rehearsal', ['end-rehearsal']],
  ['live', ['recess', 'end']],
  ['recess', ['resume', 'end']],
  ['ended', ['reopen']],
] as const)('from %s one can go on by %j', async (phase, steps) => {
  fake.put({ conference: conferenceRow({ phase, reopen_until: 1_590_714_900 }) })
  await open()
  const all = 'schedule rehearse end-rehearsal start recess resume end reopen'.split(' ')
  const shown = all.filter((name) => document.querySelector(`[data-testid="${name}"]`) !== null)
  expect(shown.sort()).toEqual([...steps].sort())
})

test('an ended conference that has rested too long stays ended', async () => {
  fake.put({ conference: conferenceRow({ phase: 'ended', reopen_until: 1_590_714_000 }) })
  await open()
  expect(document.querySelector('[data-testid="reopen"]')).toBeNull()
})

test('phases change at a press where nothing is lost by it', async () => {
  await open()
  await click('recess')
  expect(fake.commands).toEqual([{ type: 'recess' }])
})

test('the links are there to read and to copy', async () => {
  await open()
  await click('links-open')
  const row = document.querySelector('[data-link="48"]')
  expect(row?.querySelector('a')?.textContent).toBe(link.url)
  expect(await accessibilityFaults()).toEqual([])
})

test('links leave as text, without those that were withdrawn', () => {
  const revoked = { ...link, site: '01', url: '', code: '', revoked: true }
  expect(linksText([revoked, link])).toBe(`48\tĐà Nẵng\t${link.url}\t48-ABCDEFGH`)
})

describe('a link', () => {
  function row(): HTMLElement {
    const found = document.querySelector<HTMLElement>('[data-link="48"]')
    if (found === null) throw new Error('no link of 48')
    return found
  }

  async function shown(): Promise<void> {
    asked = []
    await open()
    await click('links-open')
  }

  test('is replaced only after a question, and the new one is shown', async () => {
    await shown()
    await click('rotate', row())
    expect(asked.filter((url) => url.endsWith('/rotate'))).toEqual([])
    await click('confirm')
    expect(asked).toContain('POST /api/conferences/c1/links/48/rotate')
    expect(byTestId('typed-code', row()).textContent).toBe('48-NEWNEWNE')
    expect(document.querySelector('[data-testid="confirm"]')).toBeNull()
  })

  test('is withdrawn only after a question, and is gone then', async () => {
    await shown()
    await click('revoke', row())
    expect(await accessibilityFaults()).toEqual([])
    await click('confirm')
    expect(asked).toContain('POST /api/conferences/c1/links/48/revoke')
    expect(row().querySelector('a')).toBeNull()
    expect(byTestId('revoke', row()).hasAttribute('disabled')).toBe(true)
  })

  test('has what its hardware needs, under the same link', async () => {
    await shown()
    await click('hardware', row())
    expect(asked).toContain('GET /api/conferences/c1/links/48/devices')
    const told = byTestId('hardware-view').textContent ?? ''
    for (const one of ['https://h/whip', 'eyJ.publish', 'https://h/whep', 'eyJ.play', 'H.264']) {
      expect(told).toContain(one)
    }
    expect(await accessibilityFaults()).toEqual([])
  })

  test('is scanned, printed and taken away from the server', async () => {
    await shown()
    await click('qr', row())
    const image = byTestId('qr-view').querySelector('img')
    expect(image?.getAttribute('src')).toBe('/api/conferences/c1/links/48/qr.svg')
    expect(byTestId('sheet').getAttribute('href')).toBe('/api/conferences/c1/links/sheet')
    expect(byTestId('csv').getAttribute('href')).toBe('/api/conferences/c1/links.csv')
    expect(await accessibilityFaults()).toEqual([])
  })
})

test('links that would not work are explained to the administrator', async () => {
  const refusing = new Rest(() =>
    Promise.resolve(Response.json({ code: 'links_not_ready' }, { status: 409 })),
  )
  const root = await show(
    <OperatorPage
      desk={fake.desk}
      rest={refusing}
      now={signal(0)}
      conferences={[summary]}
      current="c1"
      go={() => {}}
    />,
  )
  await click('links-open')
  expect(root.querySelector('[data-error="links_not_ready"]')).not.toBeNull()
  expect(byTestId('links-not-ready').textContent).toContain('public_url')
})

test('a conference is made from a template', async () => {
  await open()
  await click('create')
  expect(document.querySelector('dialog')?.textContent).toContain('64 điểm cầu')
  expect(await accessibilityFaults()).toEqual([])
})

test('a page that was signed out says what to do', async () => {
  const root = await open()
  fake.server.last.end(4401, 'unauthenticated')
  await frames()
  expect(root.querySelector('[data-error="unauthenticated"]')).not.toBeNull()
  expect(await accessibilityFaults()).toEqual([])
})

describe('the floor', () => {
  const speaker = { site: '01', name: 'Hà Nội' }

  async function withQueue(): Promise<HTMLElement> {
    fake.put({
      queue: queueRow(['48', '79'], '48'),
      floor: { ...floorRow('01'), speaker, speaking_since: 1_590_714_000 },
      'seat/48': seatRow('48', {
        name: 'Đà Nẵng',
        hand_since: 1_590_714_005,
        position: 1,
        help_since: 1_590_714_000,
        standby: true,
      }),
    })
    return open()
  }

  function row(site: string): HTMLElement {
    const found = document.querySelector<HTMLElement>(`[data-queued="${site}"]`)
    if (found === null) throw new Error(`${site} is not in the queue`)
    return found
  }

  test.each(['vi', 'en'] as const)('reads well to a screen reader, in %s', async (chosen) => {
    language.value = chosen
    fake.desk.selected.value = '48'
    await withQueue()
    expect(await accessibilityFaults()).toEqual([])
  })

  test('shows who speaks for how long, and who waits since when', async () => {
    await withQueue()
    expect(byTestId('speaker').textContent).toContain('1:05')
    expect(row('48').dataset.next).toBe('true')
    expect(row('48').textContent).toContain('1:00')
    expect(tile('48').dataset).toMatchObject({ help: 'true', hand: '1', standby: 'true' })
  })

  test('each button is one act', async () => {
    await withQueue()
    await click('give-floor', row('79'))
    await click('mark-next', row('79'))
    await click('down', row('48'))
    await click('lower', row('48'))
    await click('lower-all')
    await click('end-floor')
    await click('take-back-floor')
    expect(fake.commands).toEqual([
      { type: 'give_floor', site: '79' },
      { type: 'mark_next', site: '79' },
      { type: 'order_hands', sites: ['79', '48'] },
      { type: 'lower_hand', site: '48' },
      { type: 'lower_all_hands' },
      { type: 'end_floor' },
      { type: 'take_back_floor' },
    ])
  })

  test('a call for help is one press away, and is cleared there', async () => {
    await withQueue()
    await click('help-calls')
    expect(byTestId('selected').dataset.selectedSite).toBe('48')
    await click('clear-help')
    expect(fake.commands).toEqual([{ type: 'clear_help', site: '48' }])
  })

  test('a standby device is promoted only after a question', async () => {
    fake.desk.selected.value = '48'
    await withQueue()
    await click('promote')
    expect(fake.commands).toEqual([])
    await click('confirm')
    expect(fake.commands).toEqual([{ type: 'promote', site: '48' }])
  })

  test('cue is switched on and off', async () => {
    fake.desk.selected.value = '48'
    await withQueue()
    await click('cue')
    expect(byTestId('cue').getAttribute('aria-pressed')).toBe('true')
    await click('cue')
    expect(fake.server.last.sentOf('cue').map(({ site }) => site)).toEqual(['48', null])
  })
})

describe('who is heard', () => {
  const heard = siteFigures({ mic_level_dbov: -20, mic_heard: true })

  test('who speaks into a muted microphone is marked on its tile, and told when selected', async () => {
    fake.desk.selected.value = '48'
    fake.server.last.receive(figures({ '48': heard }))
    await open()
    expect(tile('48').dataset).toMatchObject({ mic: 'muted_by_operator', voice: 'muted' })
    expect(tile('48').querySelector('.mark.voice')).not.toBeNull()
    expect(tile('48').querySelector<HTMLElement>('.voice-bar')?.dataset.level).toBe('74')
    expect(byTestId('voice').textContent).toBe('Đang nói nhưng micro đang tắt')
    expect(await accessibilityFaults()).toEqual([])
  })

  test('before somebody is given the floor it shows whether the microphone works', async () => {
    fake.desk.selected.value = '48'
    await open()
    expect(byTestId('voice').textContent).toBe('Chưa nghe thấy micro')
    fake.put({ 'seat/48': seatRow('48', { heard_at: 1_590_713_000 }) })
    await frames()
    expect(byTestId('voice').textContent).toBe('Micro đã nghe thấy')
  })

  test('who starts is told which of those present were never heard', async () => {
    fake.put({
      conference: conferenceRow({ phase: 'scheduled', started_at: null }),
      'seat/48': seatRow('48', { name: 'Đà Nẵng', heard_at: 1_590_713_000 }),
    })
    await open()
    await click('start')
    expect(byTestId('unheard').textContent).toContain('2 điểm cầu')
    expect(byTestId('unheard').textContent).toContain('01 Hà Nội')
    expect(byTestId('unheard').textContent).not.toContain('Đà Nẵng')
    expect(await accessibilityFaults()).toEqual([])
  })

  test('a microphone that is cut off is a warning', async () => {
    fake.server.last.receive(figures({ '48': siteFigures({ mic_clipping_ratio: 0.2 }) }))
    await open()
    expect(tile('48').querySelector('.mark.clips')).not.toBeNull()
  })

  test('of many open microphones those that are carried are told apart', async () => {
    const codes = ['00', '01', '48', '79', '02']
    const rows = codes.map((site) => [`seat/${site}`, seatRow(site, { muted_by_operator: false })])
    fake.put({ ...Object.fromEntries(rows), floor: floorRow('79', '48', '02', '01', '00') })
    const carried = (position: number) => ({ ...heard, floor_position: position })
    fake.server.last.receive(
      figures({
        '79': carried(1),
        '48': heard,
        '02': carried(2),
        '01': carried(4),
        '00': siteFigures({ floor_position: 3 }),
      }),
    )
    await open()
    const list = [...document.querySelectorAll<HTMLElement>('.open-mics li')]
    expect(list.map((item) => [item.dataset.heard, item.dataset.voice])).toEqual([
      ['true', 'speaking'],
      ['false', 'waiting'],
      ['true', 'speaking'],
      ['true', 'speaking'],
      ['true', 'quiet'],
    ])
    expect(document.querySelector('.open-mics')?.textContent).toContain('bốn nơi nói to nhất')
  })
})
