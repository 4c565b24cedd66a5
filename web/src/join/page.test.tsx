import { afterEach, beforeEach, expect, test } from 'vitest'
import { accessibilityFaults, byTestId, click, frames, hide, show } from '../../test/page'
import { Arrival } from '../shared/client/arrival'
import { Rest } from '../shared/client/rest'
import { language } from '../shared/i18n'
import { JoinPage } from './page'

const SEATED = { conference: 'c1', title: 'Hội nghị', site: '48', name: 'Đà Nẵng', banner: 'Sở' }
let sent: string[]
let gone: string[]

beforeEach(() => {
  sent = []
  gone = []
  sessionStorage.clear()
})

afterEach(() => {
  hide()
  language.value = 'vi'
})

async function open(response: () => Response): Promise<void> {
  const rest = new Rest((url, init) => {
    sent.push(`${url} ${String(init?.body)}`)
    return Promise.resolve(response())
  })
  await show(<JoinPage rest={rest} inApp={null} go={(path) => gone.push(path)} />)
}

async function type(text: string): Promise<void> {
  const field = byTestId('join-code') as HTMLInputElement
  field.value = text
  field.dispatchEvent(new Event('input', { bubbles: true }))
  await frames()
}

test.each(['vi', 'en'] as const)('reads well to a screen reader, in %s', async (chosen) => {
  language.value = chosen
  await open(() => Response.json(SEATED))
  expect(await accessibilityFaults()).toEqual([])
})

test('the code leads to the site’s page, which knows who comes', async () => {
  await open(() => Response.json(SEATED))
  expect(byTestId('join-submit').hasAttribute('disabled')).toBe(true)
  await type('48-abcdefgh')
  expect((byTestId('join-code') as HTMLInputElement).value).toBe('48-ABCDEFGH')
  await click('join-submit')
  expect(sent).toEqual(['/api/join {"code":"48-ABCDEFGH"}'])
  expect(gone).toEqual(['/c/c1/s/48/'])
  expect(new Arrival('c1', '48').read()).toEqual(SEATED)
  expect(new Arrival('c1', '01').read()).toBeNull()
})

test.each(['code_invalid', 'rate_limited', 'link_revoked'])('%s is told', async (code) => {
  await open(() => Response.json({ code }, { status: 401 }))
  await type('48')
  await click('join-submit')
  expect(document.querySelector(`[data-error="${code}"]`)).not.toBeNull()
  expect(byTestId('join-submit').hasAttribute('disabled')).toBe(false)
  expect(gone).toEqual([])
  expect(await accessibilityFaults()).toEqual([])
})
