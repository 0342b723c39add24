"""Problems under several laws, and under the uncertainty of one law."""
