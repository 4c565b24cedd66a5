import { expect, test } from 'vitest'
import { Sound } from './sound'

function element(outcome: () => Promise<void>): HTMLAudioElement {
  return Object.assign(document.createElement('audio'), { play: outcome })
}

test('that the browser holds back is asked for, and plays after the tap', async () => {
  const sound = new Sound()
  let allowed = false
  let played = 0
  const audio = element(() => {
    if (!allowed) return Promise.reject(new DOMException('tap first', 'NotAllowedError'))
    played += 1
    return Promise.resolve()
  })
  sound.attach(audio)
  await Promise.resolve()
  await Promise.resolve()
  expect(sound.blocked.value).toBe(true)

  allowed = true
  sound.enable()

  expect(played).toBe(1)
  expect(audio.muted).toBe(false)
  expect(sound.blocked.value).toBe(false)
})

test('that is switched off stays off for elements that come later', () => {
  const sound = new Sound()
  sound.disable()
  const audio = element(() => Promise.resolve())
  sound.attach(audio)
  expect(audio.muted).toBe(true)
})
