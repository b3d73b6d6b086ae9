"""Teaching: courses and quizzes of cases with known truth, learners' answers, what they are worth, what comes back."""
