import { afterEach, expect, test } from 'vitest'
import { accessibilityFaults, byTestId, click, frames, hide, show } from '../../test/page'
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

test('without a code there is the form, and where a link is found', async () => {
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
  root.querySelector<HTMLButtonElement>('.card button.primary')?.click()
  expect(gone).toEqual(['/operator/'])
})

test.each<[Role, string | null]>([
  ['administrator', '/operator/'],
  ['operator', '/operator/'],
  ['technician', '/technician/'],
  ['secretary', null],
  ['viewer', null],
])('%s works at %s', (role, home) => {
  expect(homeOf(role)).toBe(home)
})

test('the code is read from the fragment', () => {
  expect(codeIn('#code=a-b_c')).toBe('a-b_c')
  expect(codeIn('')).toBeNull()
})

async function fill(id: string, text: string): Promise<void> {
  const field = byTestId(id) as HTMLInputElement
  field.value = text
  field.dispatchEvent(new Event('input', { bubbles: true }))
  await frames()
}

test('a name and a password open the role’s page', async () => {
  const { rest, requests } = serverThatSays(operator)
  const gone: string[] = []
  // with a code there is no question who is signed in
  await show(<SignInPage rest={rest} code="abcdefgh" go={(path) => gone.push(path)} />)
  expect(byTestId('sign-in-submit').hasAttribute('disabled')).toBe(true)
  await fill('account', ' lan ')
  await fill('password', ' mật khẩu ')
  await click('sign-in-submit')
  expect(requests).toEqual(['POST /api/sign-in {"account":"lan","password":" mật khẩu "}'])
  expect(gone).toEqual(['/operator/'])
})

test.each(['bad_credentials', 'account_locked', 'rate_limited'])('%s is told', async (code) => {
  const { rest } = serverThatSays(refused(code))
  const root = await show(<SignInPage rest={rest} code={null} go={() => {}} />)
  await fill('account', 'lan')
  await fill('password', 'sai')
  await click('sign-in-submit')
  expect(root.querySelector(`[data-error="${code}"]`)?.textContent).not.toBe('')
  expect((byTestId('account') as HTMLInputElement).value).toBe('lan')
  expect(await accessibilityFaults()).toEqual([])
})

test.each([
  ['secretary', '/technician/'],
  ['viewer', null],
] as const)('%s is told calmly what there is', async (role, page) => {
  const { rest, requests } = serverThatSays(() => Response.json({ account: 'lan', role }))
  const gone: string[] = []
  await show(<SignInPage rest={rest} code={null} go={(path) => gone.push(path)} />)
  expect(byTestId('signed-in').dataset.role).toBe(role)
  expect(gone).toEqual([])
  expect(await accessibilityFaults()).toEqual([])
  document.querySelector<HTMLElement>('[data-testid="look-on"]')?.click()
  expect(gone).toEqual(page === null ? [] : [page])
  await click('sign-out')
  expect(requests.at(-1)).toBe('POST /api/sign-out {}')
  expect(byTestId('sign-in-submit')).not.toBeNull()
})
