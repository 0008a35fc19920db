/**
 * A stand-in for Stripe's browser script, as far as Clerk's checkout drawer needs it to show its form: without a
 * `Stripe` the drawer never gets to its test card button. Whatever is "typed" is the test card; nothing leaves the page.
 */

/** Puts `Stripe` on the page, unless the page has a real one. */
export const STRIPE_SCRIPT = `(${installStripe.toString()})();\n`

type Listener = (event: object) => void

type Page = {
  Stripe?: unknown
  document: { createElement(name: string): { textContent: string; style: { cssText: string } } }
}

/** Runs in the browser and stands on nothing around it. */
function installStripe(): void {
  // This project's types know no browser.
  const page = globalThis as unknown as Page
  if (page.Stripe) return
  const createElement = () => {
    return {
      on: (event: string, listener: Listener) => {
        if (event === 'ready') setTimeout(() => listener({ elementType: 'payment' }))
      },
      off: () => {},
      update: () => {},
      unmount: () => {},
      destroy: () => {},
      mount: (place: { replaceChildren(child: unknown): void }) => {
        const note = page.document.createElement('p')
        note.textContent = 'Simulated card: 4242 4242 4242 4242, no details needed'
        note.style.cssText = 'font: 13px sans-serif; opacity: 0.7; margin: 0'
        place.replaceChildren(note)
      },
    }
  }
  const refuse = () => Promise.reject(new Error('not simulated'))
  page.Stripe = () => ({
    elements: () => ({ create: createElement, getElement: () => null, update: () => {} }),
    confirmSetup: () => Promise.resolve({ setupIntent: { payment_method: 'pm_simulated' } }),
    createToken: refuse,
    createPaymentMethod: refuse,
    confirmCardPayment: refuse,
  })
}
