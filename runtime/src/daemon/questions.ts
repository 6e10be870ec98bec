/** Questions to another process: each has a number, and no answer in time is an answer too. */

const ANSWER_MS_MAX = 1000;

export interface Questions<Answer> {
  /** Sends a question by its number. @returns the answer, or undefined when none comes within a second. */
  ask(send: (id: number) => void): Promise<Answer | undefined>;
  /** Takes in an answer; one that nobody waits for any more is nothing. */
  answer(id: number, answer: Answer): void;
}

export function createQuestions<Answer>(): Questions<Answer> {
  const waiting = new Map<number, (answer: Answer | undefined) => void>();
  let nextId = 1;
  return {
    ask(send) {
      const id = nextId++;
      return new Promise((resolve) => {
        const timer = setTimeout(() => settle(undefined), ANSWER_MS_MAX);
        const settle = (answer: Answer | undefined): void => {
          clearTimeout(timer);
          waiting.delete(id);
          resolve(answer);
        };
        waiting.set(id, settle);
        send(id);
      });
    },
    answer: (id, answer) => waiting.get(id)?.(answer),
  };
}
