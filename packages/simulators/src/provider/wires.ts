/** The wires that the scripted provider speaks. The first that matches a request answers it. */
import { chatWire } from './chat.ts'
import { embeddingsWire } from './embeddings.ts'
import { geminiWire } from './generate-content.ts'
import { imagesWire } from './images.ts'
import { countTokensWire, messagesWire } from './messages.ts'
import { moderationsWire } from './moderations.ts'
import { responsesWire } from './responses.ts'
import { speechWire } from './speech.ts'
import { transcriptionsWire } from './transcriptions.ts'
import { type SimulatedWire } from './wire.ts'

export const WIRES: readonly SimulatedWire[] = [
  chatWire,
  embeddingsWire,
  geminiWire,
  imagesWire,
  moderationsWire,
  messagesWire,
  countTokensWire,
  responsesWire,
  speechWire,
  transcriptionsWire,
]
