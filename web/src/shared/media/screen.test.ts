import { beforeEach, expect, test } from 'vitest'
import { FakeScreens } from '../../../test/devices'
import { ScreenShare, screenProblemOf } from './screen'

let screens: FakeScreens
let screen: ScreenShare
let changes: (MediaStreamTrack | null)[]

beforeEach(() => {
  screens = new FakeScreens()
  screen = new ScreenShare(screens)
  changes = []
  screen.onChange = (track) => changes.push(track)
})

test('is shared after the browser’s question, without its sound', async () => {
  await screen.start()
  expect(screen.state.value.kind).toBe('on')
  expect(changes).toEqual(screens.tracks)
  expect(screens.asked[0]?.audio).toBe(false)
})

test('ends by our button', async () => {
  await screen.start()
  screen.stop()
  expect(screens.tracks[0]?.stopped).toBe(true)
  expect(screen.state.value).toEqual({ kind: 'off', problem: null })
  expect(changes.at(-1)).toBeNull()
})

test('ends by the browser’s own bar, which is told once', async () => {
  await screen.start()
  screens.tracks[0]?.end()
  screens.tracks[0]?.end()
  expect(screen.state.value.kind).toBe('off')
  expect(changes).toHaveLength(2)
})

test('a window chosen after the question was taken back is not shared', async () => {
  const asked = screen.start()
  screen.stop()
  await asked
  expect(screens.tracks[0]?.stopped).toBe(true)
  expect(screen.state.value.kind).toBe('off')
  expect(changes).toEqual([])
})

test('an end of an earlier share does not touch the present one', async () => {
  await screen.start()
  screen.stop()
  await screen.start()
  screens.tracks[0]?.end()
  expect(screen.state.value.kind).toBe('on')
})

test('a browser that cannot says so', async () => {
  const none = new ScreenShare({})
  await none.start()
  expect(none.state.value).toEqual({ kind: 'off', problem: 'unsupported' })
})

test.each([
  ['NotAllowedError', 'Permission denied by user', 'not_chosen'],
  ['NotAllowedError', 'Permission denied by system', 'blocked'],
  ['NotReadableError', '', 'blocked'],
  ['NotSupportedError', '', 'unsupported'],
  ['InvalidStateError', '', 'failed'],
] as const)('%s “%s” means %s', async (name, message, problem) => {
  screens.refusal = new DOMException(message, name)
  await screen.start()
  expect(screen.state.value).toEqual({ kind: 'off', problem })
  expect(screenProblemOf(new Error(message))).toBe('failed')
})
