// Every page in each of its states, with who looks at it: for screenshots and for checks that hold everywhere.
import type { Person } from './people';

const sql = (text: string) => `/sql?sql=${encodeURIComponent(text)}`;

export const PAGES: { name: string; path: string; person?: Person }[] = [
  { name: 'sign-in', path: '/sign-in' },
  { name: 'home', path: '/', person: 'analyst' },
  { name: 'home-partner', path: '/', person: 'partner-ua' },
  { name: 'datasets', path: '/datasets', person: 'analyst' },
  { name: 'datasets-nothing-found', path: '/datasets?q=nosuchword', person: 'analyst' },
  { name: 'dataset', path: '/datasets/ops/flights', person: 'analyst' },
  { name: 'dataset-partner', path: '/datasets/ops/flights', person: 'partner-ua' },
  { name: 'dataset-columns', path: '/datasets/ops/flights?tab=columns', person: 'analyst' },
  { name: 'dataset-versions', path: '/datasets/ops/flights?tab=versions', person: 'analyst' },
  { name: 'dataset-arrivals', path: '/datasets/ops/flights?tab=arrivals', person: 'owner-ops' },
  { name: 'dataset-access', path: '/datasets/ops/flights?tab=access', person: 'partner-ua' },
  { name: 'dataset-api', path: '/datasets/ops/flights?tab=api', person: 'analyst' },
  { name: 'sql', path: '/sql', person: 'analyst' },
  {
    name: 'sql-result',
    path: sql('select carrier, count(*) as flights, round(avg(dep_delay), 1) as delay\nfrom ops.flights\ngroup by carrier\norder by flights desc'),
    person: 'analyst',
  },
  { name: 'sql-error', path: sql('select carrier,\n  carier\nfrom ops.flights'), person: 'analyst' },
  { name: 'arrivals', path: '/arrivals', person: 'steward' },
  { name: 'send', path: '/send', person: 'owner-ops' },
  { name: 'send-wrong-name', path: '/send?dataset=flights', person: 'analyst' },
  { name: 'policy', path: '/policy', person: 'steward' },
  { name: 'policy-person', path: '/policy?groups=partners&claims=carrier%3DUA', person: 'steward' },
  { name: 'policy-dataset', path: '/policy?groups=partners&claims=carrier%3DUA&dataset=ops.flights', person: 'steward' },
  { name: 'policy-edit', path: '/policy/edit', person: 'steward' },
  { name: 'policy-history', path: '/policy/history', person: 'steward' },
  { name: 'dataset-discovered', path: '/datasets/safety/birdstrikes', person: 'partner-ua' },
  { name: 'access', path: '/access', person: 'steward' },
  { name: 'account', path: '/account', person: 'owner-ops' },
  { name: 'accounts', path: '/accounts', person: 'steward' },
  { name: 'accounts-none', path: '/accounts', person: 'partner-dl' },
  { name: 'audit', path: '/audit', person: 'steward' },
  { name: 'audit-denied', path: '/audit?outcome=denied&from=2020-01-01', person: 'steward' },
  { name: 'audit-nothing-found', path: '/audit?text=nosuchwordanywhere', person: 'steward' },
  { name: 'audit-own', path: '/audit', person: 'partner-ua' },
  { name: 'not-found', path: '/nowhere', person: 'analyst' },
];
