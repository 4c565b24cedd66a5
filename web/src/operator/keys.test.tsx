import { signal } from '@preact/signals'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { press, tile } from '../../test/console'
import { FakeDesk } from '../../test/desk'
import { byTestId, click, hide, show } from '../../test/page'
import { conferenceRow, seatRow } from '../../test/rows'
import { Rest } from '../shared/client/rest'
import { OperatorPage } from './page'
import { sceneOf } from './scene'

let fake: FakeDesk

beforeEach(() => {
  fake = new FakeDesk()
})

afterEach(() => {
  hide()
  fake.desk.close()
})

async function open(): Promise<void> {
  await show(
    <OperatorPage
      desk={fake.desk}
      rest={new Rest(() => Promise.resolve(Response.json(null)))}
      now={signal(1_590_714_065)}
      conferences={[]}
      current="c1"
      go={() => {}}
    />,
  )
}

test('Enter and Space take, once per press', async () => {
  fake.put({ conference: conferenceRow({ preview: sceneOf(['48']) }) })
  await open()
  await press('Enter')
  await press('Enter', document.body, { repeat: true })
  await press(' ')
  expect(fake.commands.map(({ type }) => type)).toEqual(['take', 'take'])
})

test('Enter on a tile prepares it first, and takes it when it is prepared', async () => {
  await open()
  const main = tile('48').querySelector<HTMLElement>('.tile-main')
  if (main === null) throw new Error('no button')
  main.focus()
  await press('Enter', main)
  expect(fake.commands).toEqual([])

  fake.put({ conference: conferenceRow({ preview: sceneOf(['48']) }) })
  await press('Enter', main)
  expect(fake.commands.map(({ type }) => type)).toEqual(['take'])
})

test('Enter on another button or in the search never takes', async () => {
  fake.put({ conference: conferenceRow({ preview: sceneOf(['48']) }) })
  await open()
  await press('Enter', byTestId('end'))
  await press('Enter', byTestId('search'))
  await press(' ', byTestId('search'))
  expect(fake.commands).toEqual([])
})

test('a dialog holds the keys', async () => {
  fake.put({ conference: conferenceRow({ preview: sceneOf(['48']) }) })
  await open()
  await click('end')
  await press('Enter')
  expect(fake.commands).toEqual([])
})

test('M mutes the tile under the hand', async () => {
  await open()
  fake.desk.selected.value = '00'
  await press('m')
  expect(fake.commands).toEqual([{ type: 'mute', site: '00' }])
})

test('S prepares the slides of the tile under the hand', async () => {
  fake.put({
    'seat/48': seatRow('48', { sharing: true }),
    conference: conferenceRow({ preview: sceneOf(['01']) }),
  })
  await open()
  fake.desk.selected.value = '48'
  await press('s')
  await fake.answer()
  await press('S', document.body, { shiftKey: true })
  expect(fake.commands).toEqual([
    { type: 'preview', scene: sceneOf(['48'], '48') },
    { type: 'preview', scene: sceneOf(['01'], '48') },
  ])
})

test('arrows walk over the tiles', async () => {
  await open()
  await press('ArrowRight')
  expect(document.activeElement).toBe(tile('00').querySelector('.tile-main'))
  await press('ArrowRight', document.activeElement ?? document.body)
  expect(document.activeElement).toBe(tile('01').querySelector('.tile-main'))
})
