/* A shared object that is no policy. */
extern const int nothing;
const int nothing = 1;
