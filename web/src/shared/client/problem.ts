/** What was refused, as the catalogue of sentences knows it. */

import { ERRORS, type ErrorCode, type Problem } from '../wire/types.gen'

/** `unreachable` is the page's own: no answer came at all. */
export type Failure = ErrorCode | 'unreachable'

export class Refusal extends Error {
  constructor(
    readonly code: Failure,
    readonly params: Readonly<Record<string, string>> = {},
    detail = '',
  ) {
    super(detail === '' ? code : `${code}: ${detail}`)
  }
}

/** Why something failed, to be said to whoever asked for it. */
export function failureOf(error: unknown): Failure {
  return error instanceof Refusal ? error.code : 'internal'
}

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text)
}

/** A problem of a newer server, whose code this page does not know, reads as `internal`. */
export function refusalOf(problem: Problem): Refusal {
  const code = isErrorCode(problem.code) ? problem.code : 'internal'
  return new Refusal(code, problem.params ?? {}, problem.detail)
}

/** The refusal in an HTTP answer that is not a success. */
export async function refusalOfResponse(response: Response): Promise<Refusal> {
  try {
    return refusalOf((await response.json()) as Problem)
  } catch {
    return new Refusal(response.status === 429 ? 'rate_limited' : 'internal')
  }
}
