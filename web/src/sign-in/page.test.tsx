import { afterEach, expect, test } from 'vitest'
import { accessibilityFaults, byTestId, click, hide, show } from '../../test/page'
import { Rest } from '../shared/client/rest'
import type { Role } from '../shared/wire/types.gen'
import { codeIn, homeOf, SignInPage } from './page'

afterEach(hide)

interface Server {
  rest: Rest
  requests: string[]
}

function serverThatSays(response: () => Response): Server {
  const requests: string[] = []
  const rest = new Rest((url, init) => {
    requests.push(`${init?.method ?? 'GET'} ${url} ${String(init?.body ?? '')}`)
    return Promise.resolve(response())
  })
  return { rest, requests }
}

const operator = (): Response => Response.json({ account: 'lan', role: 'operator' })
const refused = (code: string) => (): Response => Response.json({ code }, { status: 401 })

test('the code is used by a tap, not by opening the page', async () => {
  const { rest, requests } = serverThatSays(operator)
  const gone: string[] = []
  await show(<SignInPage rest={rest} code="abcdefgh" go={(path) => gone.push(path)} />)
  expect(requests).toEqual([])
  expect(await accessibilityFaults()).toEqual([])

  await click('enter')

  expect(requests).toEqual(['POST /api/sign-in {"code":"abcdefgh"}'])
  expect(gone).toEqual(['/operator/'])
})

test('a used link says so, and where a new one is found', async () => {
  const { rest } = serverThatSays(refused('sign_in_invalid'))
  const root = await show(<SignInPage rest={rest} code="abcdefgh" go={() => {}} />)
  await click('enter')
  expect(root.querySelector('[data-error]')?.getAttribute('data-error')).toBe('sign_in_invalid')
  expect(root.textContent).toContain('màn hình lệnh')
  expect(byTestId('enter').hasAttribute('disabled')).toBe(false)
  expect(await accessibilityFaults()).toEqual([])
})

test('without a code it says where the link is found', async () => {
  const { rest } = serverThatSays(refused('unauthenticated'))
  const root = await show(<SignInPage rest={rest} code={null} go={() => {}} />)
  expect(root.textContent).toContain('màn hình lệnh')
  expect(root.querySelector('[data-testid="enter"]')).toBeNull()
  expect(await accessibilityFaults()).toEqual([])
})

test('who is signed in already may go on', async () => {
  const { rest } = serverThatSays(operator)
  const gone: string[] = []
  const root = await show(<SignInPage rest={rest} code={null} go={(path) => gone.push(path)} />)
  root.querySelector<HTMLButtonElement>('.card button')?.click()
  expect(gone).toEqual(['/operator/'])
})

test.each<[Role, string | null]>([
  ['administrator', '/operator/'],
  ['operator', '/operator/'],
  ['technician', '/technician/'],
  ['viewer', null],
])('%s works at %s', (role, home) => {
  expect(homeOf(role)).toBe(home)
})

test('the code is read from the fragment', () => {
  expect(codeIn('#code=a-b_c')).toBe('a-b_c')
  expect(codeIn('')).toBeNull()
})
