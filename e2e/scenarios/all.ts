/** Every scenario, for each runtime's test file. */
import { describe } from 'vitest'
import type { Stack } from '../harness/stack.ts'
import { accounts } from './account.ts'
import { accountData } from './account-data.ts'
import { accountUsage } from './account-usage.ts'
import { admin } from './admin.ts'
import { attacks } from './attacks.ts'
import { billing } from './billing.ts'
import { billingChanges } from './billing-changes.ts'
import { billingPlans } from './billing-plans.ts'
import { canaries } from './canaries.ts'
import { chatMedia } from './chat-media.ts'
import { clerkWebhooks } from './clerk-webhooks.ts'
import { clientForwarding } from './client-forwarding.ts'
import { clientLeaves } from './client-leaves.ts'
import { clientRefusals } from './client-refusals.ts'
import { cors } from './cors.ts'
import { dialects } from './dialects.ts'
import { embeddings } from './embeddings.ts'
import { gemini } from './gemini.ts'
import { geminiFaults } from './gemini-faults.ts'
import { idempotency } from './idempotency.ts'
import { identity } from './identity.ts'
import { identityKeys } from './identity-keys.ts'
import { images } from './images.ts'
import { keys } from './keys.ts'
import { limits } from './limits.ts'
import { messages } from './messages.ts'
import { messagesFaults } from './messages-faults.ts'
import { moderations } from './moderations.ts'
import { quotes } from './quotes.ts'
import { race } from './race.ts'
import { responses } from './responses.ts'
import { responsesFaults } from './responses-faults.ts'
import { sdk } from './sdk.ts'
import { sdkAi } from './sdk-ai.ts'
import { sdkAiAnthropic } from './sdk-ai-anthropic.ts'
import { sdkAiResponses } from './sdk-ai-responses.ts'
import { sdkAnthropic } from './sdk-anthropic.ts'
import { sdkGemini } from './sdk-gemini.ts'
import { sdkResponses } from './sdk-responses.ts'
import { sdkRetries } from './sdk-retries.ts'
import { speech } from './speech.ts'
import { transcriptions } from './transcriptions.ts'
import { upstreamFaults } from './upstream-faults.ts'
import { upstreamRefusals } from './upstream-refusals.ts'
import { upstreamUsage } from './upstream-usage.ts'
import { walk } from './walk.ts'

/** Declares all scenarios over a running stack. */
export function everyScenario(stack: () => Stack): void {
  describe('walk', () => walk(stack))
  describe('identity', () => identity(stack))
  describe('identity keys', () => identityKeys(stack))
  describe('idempotency', () => idempotency(stack))
  describe('limits', () => limits(stack))
  describe('race', () => race(stack))
  describe('quotes', () => quotes(stack))
  describe('keys', () => keys(stack))
  describe('admin', () => admin(stack))
  describe('account', () => accounts(stack))
  describe('billing', () => billing(stack))
  describe('billing changes', () => billingChanges(stack))
  describe('billing plans', () => billingPlans(stack))
  describe('account usage', () => accountUsage(stack))
  describe('account data', () => accountData(stack))
  describe('clerk webhooks', () => clerkWebhooks(stack))
  describe('upstream refusals', () => upstreamRefusals(stack))
  describe('upstream faults', () => upstreamFaults(stack))
  describe('upstream usage', () => upstreamUsage(stack))
  describe('dialects', () => dialects(stack))
  describe('client leaves', () => clientLeaves(stack))
  describe('client refusals', () => clientRefusals(stack))
  describe('client forwarding', () => clientForwarding(stack))
  describe('messages', () => messages(stack))
  describe('messages faults', () => messagesFaults(stack))
  describe('cors', () => cors(stack))
  describe('sdk', () => sdk(stack))
  describe('sdk retries', () => sdkRetries(stack))
  describe('sdk ai', () => sdkAi(stack))
  describe('sdk anthropic', () => sdkAnthropic(stack))
  describe('sdk ai anthropic', () => sdkAiAnthropic(stack))
  describe('chat media', () => chatMedia(stack))
  describe('embeddings', () => embeddings(stack))
  describe('moderations', () => moderations(stack))
  describe('images', () => images(stack))
  describe('speech', () => speech(stack))
  describe('transcriptions', () => transcriptions(stack))
  describe('attacks', () => attacks(stack))
  describe('responses', () => responses(stack))
  describe('responses faults', () => responsesFaults(stack))
  describe('sdk responses', () => sdkResponses(stack))
  describe('sdk ai responses', () => sdkAiResponses(stack))
  describe('gemini', () => gemini(stack))
  describe('gemini faults', () => geminiFaults(stack))
  describe('sdk gemini', () => sdkGemini(stack))
  describe('canaries', () => canaries(stack))
}
