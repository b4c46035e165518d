import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { Otlpkit } from './otlpkit.js';
import { Shop } from './shop.js';

const otlpkit = new Otlpkit();
let otlp, shop;

before(() => otlpkit.start());
after(() => otlpkit.stop());

beforeEach(() => {
  otlp = otlpkit.session();
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = otlp.url;
  process.env.OTEL_BSP_SCHEDULE_DELAY = '50'; // milliseconds until ended spans are exported
  shop = new Shop();
});
afterEach(async () => {
  await shop.close();
  await otlp.forget();
});

test('a checkout charges the card', async () => {
  shop.checkout(3, 25.5, 'valid');
  await otlp.wait(
    '{ name = "checkout" && kind = server } > { name = "charge" && kind = client }',
    'never { status = error }',
  );
});

test('a checkout tells what was bought', async () => {
  shop.checkout(3, 25.5, 'valid');
  await otlp.wait('complete { name = "checkout" }');
  const [checkout] = await otlp.spans('{ name = "checkout" }');
  assert.deepEqual(checkout.attributes, { 'shop.cart.items': 3, 'shop.total': 25.5 });
});

test('a declined card is an error', async () => {
  assert.throws(() => shop.checkout(1, 9.5, 'expired'));
  await otlp.wait('{ name = "charge" && status = error && statusMessage = "card expired" }');
});
