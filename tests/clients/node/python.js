/** The Python with the packages of these tests. */

export const python = process.env.AGENT_PYTHON;
if (!python) throw new Error('AGENT_PYTHON is not set: tests/clients/run sets it');
