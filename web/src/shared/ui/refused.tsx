import type { Failure } from '../client/problem'
import { t } from '../i18n'
import { CardPage, ErrorText, useTitle } from './parts'

/** A staff page that may not open, and what to do about it. */
export function StaffRefused({ code }: { code: Failure }) {
  const texts = t.value
  useTitle(texts.common.product)
  return (
    <CardPage title={texts.common.refused} testid="refused">
      <ErrorText code={code} />
      {code === 'unauthenticated' || code === 'forbidden' ? (
        <>
          <a class="button primary large" href="/sign-in" data-testid="to-sign-in">
            {texts.signIn.title}
          </a>
          <h2>{texts.signIn.whereTitle}</h2>
          <p>{texts.signIn.whereStart}</p>
          <p>{texts.signIn.whereAsk}</p>
        </>
      ) : (
        <button type="button" class="button primary" onClick={() => location.reload()}>
          {texts.common.retry}
        </button>
      )}
    </CardPage>
  )
}
