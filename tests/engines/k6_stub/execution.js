// Stands in for k6/execution: which iteration of the test this is, from 0.

import { state } from './state.js';

export default {
  scenario: {
    get iterationInTest() {
      return state.iteration;
    },
  },
};
